# The server in a small image: docker build -t imagehq . && docker run -p 8080:8080 imagehq
#
# Without API keys anyone who reaches the port may use it; publish it on a trusted network, or on
# the loopback address of the host (-p 127.0.0.1:8080:8080), or behind a proxy that asks who comes.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential cmake nasm perl pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package cli

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --create-home --home-dir /data imagehq
COPY --from=build /src/target/release/imagehq /usr/local/bin/imagehq
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/imagehq/
USER imagehq
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["imagehq"]
CMD ["serve", "--listen", "0.0.0.0:8080", "--allow-anonymous", "--data", "/data"]
