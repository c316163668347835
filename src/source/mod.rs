//! Files and standard input into lines: following, rotation, archives.
