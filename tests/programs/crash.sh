# A lock that outlives a holder that is killed.
mkdir lock 2> /dev/null || exit 75
[ -e lockfuzz:enter ]
[ -e lockfuzz:leave ]
rmdir lock
