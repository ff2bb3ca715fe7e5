//! Where a check stands: in which test, of which crate.

use std::path::{Path, PathBuf};

/// What the macros say of the place where they are used.
#[derive(Clone, Debug)]
pub struct Here {
    /// The test, as the test binary calls it.
    pub test: String,
    /// The folder of its crate.
    pub manifest: PathBuf,
    /// The features that the crate needs for this, for the words of a replay.
    pub package: String,
}

impl Here {
    /// `function` is the type name of a function inside the one that uses the macro.
    pub fn new(function: &str, manifest: &str, package: &str) -> Self {
        let path = function.split_once("::").map_or(function, |(_, path)| path);
        let path: Vec<&str> = path.split("::").filter(|part| *part != "{{closure}}").collect();
        let path = path[..path.len().saturating_sub(1)].join("::");
        // A helper may be used by many tests; the thread has the name of the one that runs.
        let thread = std::thread::current();
        let test = thread.name().filter(|name| *name != "main").map_or(path, str::to_owned);
        Here { test, manifest: Path::new(manifest).to_owned(), package: package.to_owned() }
    }

    /// The test's name as part of the name of a file.
    pub(super) fn stem(&self) -> String {
        self.test.replace("::", "-")
    }
}

/// Where this is.
#[doc(hidden)]
#[macro_export]
macro_rules! __here {
    () => {{
        fn here() {}
        $crate::own::Here::new(
            ::core::any::type_name_of_val(&here),
            ::core::env!("CARGO_MANIFEST_DIR"),
            ::core::env!("CARGO_PKG_NAME"),
        )
    }};
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_test_is_known_by_its_thread_or_by_its_function() {
        let here = crate::__here!();
        assert_eq!(here.test, "own::here::tests::a_test_is_known_by_its_thread_or_by_its_function");
        let unnamed = std::thread::spawn(|| crate::__here!()).join().unwrap();
        assert_eq!(unnamed.test, here.test);
    }
}
