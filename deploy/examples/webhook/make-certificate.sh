#!/bin/sh
# A key and a certificate for 127.0.0.1 that is its own authority, and webhook.yaml with it in place of CA_BUNDLE.
set -eu
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=webhook \
  -addext subjectAltName=IP:127.0.0.1 -keyout webhook.key -out webhook.crt 2>/dev/null
bundle=$(base64 <webhook.crt | tr -d '\n')
sed "s|CA_BUNDLE|$bundle|" webhook.yaml >webhook-ready.yaml
echo "made webhook.key, webhook.crt and webhook-ready.yaml"
