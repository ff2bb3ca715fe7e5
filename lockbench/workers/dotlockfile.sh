# dotlockfile of liblockfile: removes the lock of a holder that is dead; by then it may be that of somebody alive.
dotlockfile -l -p -r 0 lock 2> /dev/null || exit 75

[ -e lockfuzz:enter ]
echo "$LOCKFUZZ_WORKER" > cache
read -r seen < cache
[ -e lockfuzz:leave ]
dotlockfile -u lock

[ "$seen" = "$LOCKFUZZ_WORKER" ] || { echo "worker $LOCKFUZZ_WORKER read back $seen" >&2; exit 1; }
