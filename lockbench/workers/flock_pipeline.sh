# flock of util-linux around a pipeline of children, which all have its descriptor. Broken: the lock is a shared one.
[ "${1-}" = broken ] && shared=-s
# shellcheck disable=SC2016,SC2086
flock ${shared-} lock sh -c '
    [ -e lockfuzz:enter ]
    echo "$LOCKFUZZ_WORKER" | tee cache > /dev/null
    seen=$(cat cache | tr -d " ")
    [ -e lockfuzz:leave ]
    [ "$seen" = "$LOCKFUZZ_WORKER" ] || { echo "worker $LOCKFUZZ_WORKER read back $seen" >&2; exit 1; }
'
