# Fails without any interleaving.
[ -e lock ] && exit 75
echo "no configuration" >&2
exit 3
