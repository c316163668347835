//! The house rules that the compiler does not know: who may use whom, what a pure room may not
//! touch, how long a file and a function may be, and that what the documents name is there.

#[cfg(test)]
#[path = "tidy/code.rs"]
mod code;
#[cfg(test)]
#[path = "tidy/documents.rs"]
mod documents;
#[cfg(test)]
#[path = "tidy/rooms.rs"]
mod rooms;
#[cfg(test)]
#[path = "tidy/size.rs"]
mod size;
#[cfg(test)]
#[path = "tidy/tree.rs"]
mod tree;

#[cfg(test)]
mod house {
    use crate::tree::Tree;
    use crate::{documents, rooms, size};

    /// Fails with every finding at once, each as `file:line: what, why`.
    fn expect_none(findings: &[String]) {
        assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
    }

    #[test]
    fn arrows_between_rooms_go_one_way() {
        expect_none(&rooms::arrows(&Tree::read()));
    }

    #[test]
    fn pure_rooms_touch_nothing() {
        expect_none(&rooms::impurities(&Tree::read()));
    }

    #[test]
    fn pure_rooms_have_clippy_watch_them() {
        expect_none(&rooms::unwatched(&Tree::read()));
    }

    #[test]
    fn files_and_functions_are_short() {
        expect_none(&size::too_long(&Tree::read()));
    }

    #[test]
    fn nothing_is_left_behind() {
        expect_none(&size::leftovers(&Tree::read()));
    }

    #[test]
    fn named_paths_exist() {
        expect_none(&documents::missing_paths(&Tree::read()));
    }

    #[test]
    fn fixtures_are_introduced() {
        expect_none(&documents::unknown_fixtures(&Tree::read()));
    }
}
