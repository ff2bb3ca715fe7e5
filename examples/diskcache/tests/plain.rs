use lockfuzz::lock::Claim;
use lockfuzz::own::Own;

#[test]
fn plain_lock_excludes() {
    let lock = Own::guard_or_error("plain lock", Claim::Everyone, diskcache::plain_lock);
    lockfuzz::check!(lock.traced());
}

#[test]
#[ignore = "this lock is broken, so this test fails"]
fn looking_lock_excludes() {
    let lock = Own::guard_or_error("looking lock", Claim::Everyone, diskcache::looking_lock);
    lockfuzz::check!(lock.traced());
}
