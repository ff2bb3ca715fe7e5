# Removes the lock of a holder that is dead, makes its own, and looks whether it is its own that is there. By the time
# of that look another may not yet have removed it.
until (set -C; echo $$ > lock) 2> /dev/null; do
    holder=$(cat lock 2> /dev/null)
    # Gone by now, or made and not yet written: somebody alive has it.
    [ -n "$holder" ] || exit 75
    kill -0 "$holder" 2> /dev/null && exit 75
    rm -f lock
done
[ "$(cat lock 2> /dev/null)" = $$ ] || exit 75

[ -e lockfuzz:enter ]
echo "$LOCKFUZZ_WORKER" > cache
read -r seen < cache
[ -e lockfuzz:leave ]
rm -f lock

[ "$seen" = "$LOCKFUZZ_WORKER" ] || { echo "worker $LOCKFUZZ_WORKER read back $seen" >&2; exit 1; }
