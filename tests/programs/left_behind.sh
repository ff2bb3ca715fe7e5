# Goes away without giving the lock back when its new file is gone, since another has moved it by then.
echo "$LOCKFUZZ_WORKER" > new
mkdir lock 2> /dev/null || exit 75
mv new data 2> /dev/null || exit 0
rmdir lock
