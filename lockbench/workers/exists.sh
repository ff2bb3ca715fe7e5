# Looks for the lock file, and makes it where there is none. Two can look before either makes it.
if [ -e lock ]; then
    exit 75
fi
touch lock

[ -e lockfuzz:enter ]
echo "$LOCKFUZZ_WORKER" > cache
read -r seen < cache
[ -e lockfuzz:leave ]
rm -f lock

[ "$seen" = "$LOCKFUZZ_WORKER" ] || { echo "worker $LOCKFUZZ_WORKER read back $seen" >&2; exit 1; }
