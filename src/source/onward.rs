//! Where reading goes on: from what was read last to the next file of the rotation set.
//!
//! Nothing is planned ahead: names shift under our eyes (`.1` becomes `.2`, a member is compressed),
//! so the directory is looked at anew whenever a file has been read to its end.

use crate::source::position::{Inode, Position, modified};
use crate::source::reading::is_file_of;
use crate::source::rotation::rotated_set;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// A file of the set, as the directory shows it now.
pub(super) struct Member {
    pub(super) path: PathBuf,
    pub(super) inode: Inode,
    pub(super) is_live: bool,
    metadata: Metadata,
}

impl Member {
    pub(super) fn is_empty(&self) -> bool {
        self.metadata.len() == 0
    }

    pub(super) fn modified(&self) -> i64 {
        modified(&self.metadata)
    }
}

/// The next file to read.
pub(super) struct Place {
    pub(super) member: Member,
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) ahead: u64,
    pub(super) how: How,
}

/// How the next file was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It is the oldest, and nothing was read yet.
    First,
    /// It follows the file that is open.
    Next,
    /// It holds the position.
    Resumed,
    /// The position's file is still there, but was cut.
    Cut,
    /// The position's file is gone; this is the oldest that was written to later.
    Later,
}

/// The set of a live log as it is now, oldest first, the live file last.
pub(super) fn members(live: &Path, unreadable: &[(Inode, i64)]) -> io::Result<Vec<Member>> {
    let target = if live.is_symlink() {
        std::fs::canonicalize(live).unwrap_or_else(|_| live.to_path_buf())
    } else {
        live.to_path_buf()
    };
    let rotated = match rotated_set(&target) {
        // A directory may let us through without letting us list it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Vec::new(),
        other => other?,
    };
    let mut found = Vec::new();
    for path in rotated {
        // Gone since it was listed: a later name has it.
        let Ok(metadata) = std::fs::metadata(&path) else {
            continue;
        };
        let inode = Inode::of(&metadata);
        if metadata.is_file() && !unreadable.contains(&(inode, modified(&metadata))) {
            found.push(Member {
                path,
                inode,
                is_live: false,
                metadata,
            });
        }
    }
    match std::fs::metadata(live) {
        Ok(metadata) => found.push(Member {
            path: live.to_path_buf(),
            inode: Inode::of(&metadata),
            is_live: true,
            metadata,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(found)
}

/// What comes behind the open file `read`, or behind `position` when none is open; `None` when that
/// is not there yet.
pub(super) fn onward(
    members: Vec<Member>,
    read: Option<(Inode, i64)>,
    position: Option<&Position>,
) -> Option<Place> {
    let whole = |member, how| Place {
        member,
        offset: 0,
        line: 0,
        ahead: 0,
        how,
    };
    let index = read.and_then(|(inode, _)| members.iter().position(|other| other.inode == inode));
    if let Some(index) = index {
        let next = members.into_iter().nth(index + 1)?;
        return Some(whole(next, How::Next));
    }
    let position = position.filter(|position| !position.is_start());
    let Some(position) = position else {
        let first = members.into_iter().next()?;
        return Some(whole(first, How::First));
    };
    if let Some(index) = holder(&members, position) {
        let member = members.into_iter().nth(index)?;
        return Some(Place {
            member,
            offset: position.offset,
            line: position.line,
            ahead: position.ahead,
            how: How::Resumed,
        });
    }
    let was_cut = members.iter().any(|member| {
        let is_hinted = hinted(member, position);
        member.is_live && is_hinted && member.metadata.len() < position.offset
    });
    let since = read.map_or(position.modified, |(_, modified)| modified);
    let later = members
        .into_iter()
        .find(|member| member.is_live || member.modified() > since)?;
    Some(whole(later, if was_cut { How::Cut } else { How::Later }))
}

/// The member that holds the position. The hint only saves opening the others.
fn holder(members: &[Member], position: &Position) -> Option<usize> {
    let holds = |member: &Member| is_file_of(&member.path, &member.metadata, position);
    members
        .iter()
        .position(|member| hinted(member, position) && holds(member))
        .or_else(|| members.iter().rposition(holds))
}

fn hinted(member: &Member, position: &Position) -> bool {
    let hint = Inode {
        device: position.device,
        number: position.inode,
    };
    member.inode == hint
}
