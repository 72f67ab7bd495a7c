#!/bin/sh
# Draws every secret of the composed platform into .env beside this file, readable by its owner only.
# Refuses to overwrite: databases and the object store keep the passwords that they were made with, and what is
# encrypted can be read with the old key alone.
#   sh make-env.sh [PUBLIC_URL [OBJECTS_PUBLIC_URL]]
set -eu
file="$(dirname "$0")/.env"
public_url="${1:-http://127.0.0.1:8080}"
objects_public_url="${2:-http://127.0.0.1:8081}"

command -v openssl >/dev/null || { echo "make-env: 'openssl' is missing; it draws the secrets" >&2; exit 1; }
if [ -e "$file" ]; then
  echo "make-env: $file is there already and is kept; move it away first if you mean it" >&2
  exit 1
fi

password() { openssl rand -hex 24; }
key() { openssl rand -hex 48; }

umask 077
fresh="$file.new.$$"
trap 'rm -f "$fresh"' EXIT
{
  echo "# Drawn by make-env.sh. Keep a copy elsewhere: a backup is worth little without the keys that it was made with."
  echo "COMPOSE_PROJECT_NAME=shenbao"
  echo "PUBLIC_URL=$public_url"
  echo "OBJECTS_PUBLIC_URL=$objects_public_url"
  echo "POSTGRES_PASSWORD=$(password)"
  for role in OWNER UPLOAD VIDEO PDFCHECK REVIEW GATEWAY; do echo "${role}_PASSWORD=$(password)"; done
  echo "OBJECTS_ROOT_KEY=$(password)"
  for service in UPLOAD VIDEO PDFCHECK REVIEW; do echo "OBJECTS_${service}_KEY=$(password)"; done
  echo "TOKEN_KEY=$(key)"
  echo "PRESIGN_KEY=$(key)"
  echo "ENCRYPTION_KEY=$(openssl rand -base64 32)"
  echo "LOOKUP_KEY=$(key)"
  echo "AUDIT_KEY=$(key)"
  echo "GRAFANA_PASSWORD=$(password)"
} > "$fresh"
mv -n "$fresh" "$file"
echo "make-env: drew the secrets into $file" >&2
