# Only one can make a directory. Broken: with -p everybody can.
[ "${1-}" = broken ] && parents=-p
# shellcheck disable=SC2086
mkdir ${parents-} lock 2> /dev/null || exit 75

[ -e lockfuzz:enter ]
echo "$LOCKFUZZ_WORKER" > cache
read -r seen < cache
[ -e lockfuzz:leave ]
rmdir lock

[ "$seen" = "$LOCKFUZZ_WORKER" ] || { echo "worker $LOCKFUZZ_WORKER read back $seen" >&2; exit 1; }
