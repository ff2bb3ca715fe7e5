# flock of util-linux, on a descriptor that the shell keeps open until it ends.
# Broken: asks once, and does not look what the answer is.
[ "${1-}" = broken ] && once=-n
exec 9> lock
# shellcheck disable=SC2086
flock ${once-} 9

[ -e lockfuzz:enter ]
echo "$LOCKFUZZ_WORKER" > cache
read -r seen < cache
[ -e lockfuzz:leave ]
exec 9>&-

[ "$seen" = "$LOCKFUZZ_WORKER" ] || { echo "worker $LOCKFUZZ_WORKER read back $seen" >&2; exit 1; }
