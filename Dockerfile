# The image of the daemon: a build stage whose dependencies are a layer of their own, and a runtime
# image without a shell, for a user without rights, on a file system that may be read-only.
#   docker build -t sluicegate .
# Other base images (a mirror, a patched one) are given by --build-arg.
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src

# Dependencies alone, with empty sources in place of ours: built again only when these two files change.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches \
 && echo 'fn main() {}' > src/main.rs \
 && touch src/lib.rs \
 && sed -n '/^\[\[bench\]\]/{n;s/^name = "\(.*\)"/\1/p;}' Cargo.toml \
    | while read -r bench; do mkdir -p "benches/$bench" && echo 'fn main() {}' > "benches/$bench.rs"; done \
 && cargo build --release --locked --bins \
 && rm -rf src target/release/sluicegate target/release/.fingerprint/sluicegate-* \
           target/release/deps/*sluicegate*

COPY src src
COPY migrations migrations
COPY config/default.toml config/default.toml
COPY data/candles data/candles
RUN cargo build --release --locked --bins \
 && strip --strip-debug target/release/sluicegate \
 && mkdir -p /root-of-image/var/lib/sluicegate

FROM ${RUNTIME_IMAGE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sluicegate" \
      org.opencontainers.image.description="Runs trading backtests inserted as rows in Postgres, at a governed rate." \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"

# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
WORKDIR /srv/sluicegate
COPY --from=build /src/target/release/sluicegate /usr/local/bin/sluicegate
COPY config config
COPY data/candles data/candles
# What is read from InfluxDB is kept here; a volume, where the root file system is read-only.
COPY --from=build --chown=65532:65532 /root-of-image/var/lib/sluicegate /var/lib/sluicegate

ENV SLUICEGATE_ENV=production
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s --retries=3 \
    CMD ["/usr/local/bin/sluicegate", "health"]
ENTRYPOINT ["/usr/local/bin/sluicegate"]
CMD ["run"]
