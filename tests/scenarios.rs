//! Stories that once went wrong, each told by a few lines of Caddy's log.

#[cfg(test)]
mod scenarios {
    mod blame;
    mod evidence;
    mod handshakes;
    mod issuers;
    mod names;
    mod noise;
    mod predictions;
    mod process;
    mod recoveries;
    mod story;
    mod times;
}
