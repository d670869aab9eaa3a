"""What deploy/ promises, held against the real product. See scripts/check-deploy and scripts/image-test."""
