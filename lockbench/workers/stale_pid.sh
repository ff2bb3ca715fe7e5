# Removes the lock of a holder that is dead. By then the lock may be that of somebody alive.
until (set -C; echo $$ > lock) 2> /dev/null; do
    holder=$(cat lock 2> /dev/null)
    # Gone by now, or made and not yet written: somebody alive has it.
    [ -n "$holder" ] || exit 75
    kill -0 "$holder" 2> /dev/null && exit 75
    rm -f lock
done

[ -e lockfuzz:enter ]
echo "$LOCKFUZZ_WORKER" > cache
read -r seen < cache
[ -e lockfuzz:leave ]
rm -f lock

[ "$seen" = "$LOCKFUZZ_WORKER" ] || { echo "worker $LOCKFUZZ_WORKER read back $seen" >&2; exit 1; }
