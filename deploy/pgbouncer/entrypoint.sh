#!/bin/sh
# Writes the files of pgbouncer.ini that have the database's address and password, and becomes PgBouncer.
set -eu
umask 077
quoted() { printf '"%s"' "$(printf %s "$1" | sed 's/"/""/g')"; }
printf '[databases]\n* = host=%s port=%s\n' "$DATABASE_HOST" "$DATABASE_PORT" > /run/pgbouncer/databases.ini
user() { printf '%s %s\n' "$(quoted "$1")" "$(quoted "$2")"; }
{
  user "$DATABASE_USERNAME" "$DATABASE_PASSWORD"
  # While a password is replaced, clients use two roles.
  if [ -n "${DATABASE_SECOND_USERNAME:-}" ]; then user "$DATABASE_SECOND_USERNAME" "$DATABASE_SECOND_PASSWORD"; fi
} > /run/pgbouncer/userlist.txt
exec pgbouncer "$@"
