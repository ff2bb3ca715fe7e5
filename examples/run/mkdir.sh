until mkdir lock 2> /dev/null; do sleep 0.1; done
[ -e lockfuzz:enter ]
[ -e lockfuzz:leave ]
rmdir lock
