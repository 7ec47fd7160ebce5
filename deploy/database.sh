#!/usr/bin/env bash
# Prepares a PostgreSQL database for a cluster: Orleans' tables and statements. RSR-Net's own tables are made by the first silo. Run again, it changes nothing.
#   deploy/database.sh 'host=db dbname=rsrnet user=rsrnet'      whatever psql takes; the password by PGPASSWORD or a passfile
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
if (($# != 1)) || [[ $1 == -h || $1 == --help ]]; then
  sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}"
  exit $(($# != 1 ? 2 : 0))
fi
command -v psql >/dev/null || { echo "database.sh: psql is not installed; it comes with PostgreSQL's client (postgresql-client)" >&2; exit 1; }
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction "$1" --file "$here/orleans.sql"
echo "ready for a cluster: $(psql --no-psqlrc --tuples-only --no-align "$1" --command 'SELECT current_database()')"
