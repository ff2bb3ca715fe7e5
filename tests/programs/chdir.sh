# Goes into another folder, and names the lock from there.
mkdir -p here/deeper
cd here/deeper || exit 1
[ -e ../../lock ] && exit 75
: > ../../lock
[ -e ../lockfuzz:enter ]
[ -e ../lockfuzz:leave ]
rm -f ../../lock
