use lockfuzz::lock::Claim;
use proptest::prelude::*;

#[test]
fn cache_lock_excludes_in_every_case() {
    let bench = lockfuzz::bench!("cache lock", Claim::Everyone, diskcache::lock);
    proptest!(|(case in bench.cases())| bench.passes(&case)?);
}
