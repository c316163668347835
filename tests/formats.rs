//! Every format in which Caddy's lines reach us says the same: recordings are printed anew in each of
//! them, and in any mix, and must mean what they meant.

#[cfg(test)]
#[path = "kit/captures.rs"]
mod captures;
#[cfg(test)]
#[path = "formats/console.rs"]
mod console;
#[cfg(test)]
#[path = "kit/forged.rs"]
mod forged;
#[cfg(test)]
#[path = "formats/hostile.rs"]
mod hostile;
#[cfg(test)]
#[path = "formats/items.rs"]
mod items;
#[cfg(test)]
#[path = "formats/json.rs"]
mod json;
#[cfg(test)]
#[path = "formats/lossless.rs"]
mod lossless;
#[cfg(test)]
#[path = "formats/lossy.rs"]
mod lossy;
#[cfg(test)]
#[path = "kit/page.rs"]
mod page;
#[cfg(test)]
#[path = "formats/positions.rs"]
mod positions;
#[cfg(test)]
#[path = "kit/program.rs"]
mod program;
#[cfg(test)]
#[path = "formats/recording.rs"]
mod recording;
#[cfg(test)]
#[path = "kit/rows.rs"]
mod rows;
#[cfg(test)]
#[path = "formats/strangers.rs"]
mod strangers;
#[cfg(test)]
#[path = "formats/times.rs"]
mod times;
#[cfg(test)]
#[path = "formats/transport.rs"]
mod transport;
