use lockfuzz::lock::Claim;

#[test]
fn cache_lock_excludes() {
    lockfuzz::check!("cache lock", Claim::Everyone, diskcache::lock);
}

#[test]
#[ignore = "this lock is broken, so this test fails"]
fn old_cache_lock_excludes() {
    lockfuzz::check!("old cache lock", Claim::Everyone, diskcache::old_lock);
}
