//! What must hold for every log: a restart loses nothing, live equals replay, small disorder does
//! not matter, no line can hurt, and a blip wakes nobody.

#[cfg(test)]
#[path = "laws/blips.rs"]
mod blips;
#[cfg(test)]
#[path = "laws/drive.rs"]
mod drive;
#[cfg(test)]
#[path = "laws/ends.rs"]
mod ends;
#[cfg(test)]
#[path = "laws/grouping.rs"]
mod grouping;
#[cfg(test)]
#[path = "laws/hostile.rs"]
mod hostile;
#[cfg(test)]
#[path = "laws/known.rs"]
mod known;
#[cfg(test)]
#[path = "laws/once.rs"]
mod once;
#[cfg(test)]
#[path = "laws/recordings.rs"]
mod recordings;
#[cfg(test)]
#[path = "laws/relief.rs"]
mod relief;
#[cfg(test)]
#[path = "laws/reminders.rs"]
mod reminders;
#[cfg(test)]
#[path = "laws/restarts.rs"]
mod restarts;
#[cfg(test)]
#[path = "laws/scribe.rs"]
mod scribe;
#[cfg(test)]
#[path = "laws/silences.rs"]
mod silences;
#[cfg(test)]
#[path = "laws/stories.rs"]
mod stories;
#[cfg(test)]
#[path = "laws/telling.rs"]
mod telling;
#[cfg(test)]
#[path = "laws/time.rs"]
mod time;
#[cfg(test)]
#[path = "laws/words.rs"]
mod words;
