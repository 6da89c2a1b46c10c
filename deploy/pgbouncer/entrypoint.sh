#!/bin/sh
# Writes the files of pgbouncer.ini that have the database's address and password, and becomes PgBouncer.
set -eu
umask 077
quoted() { printf '"%s"' "$(printf %s "$1" | sed 's/"/""/g')"; }
printf '[databases]\n* = host=%s port=%s\n' "$DATABASE_HOST" "$DATABASE_PORT" > /run/pgbouncer/databases.ini
printf '%s %s\n' "$(quoted "$DATABASE_USERNAME")" "$(quoted "$DATABASE_PASSWORD")" > /run/pgbouncer/userlist.txt
exec pgbouncer "$@"
