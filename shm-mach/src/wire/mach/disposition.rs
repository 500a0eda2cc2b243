//! How a right goes into a message, and what it is on its way and at its end.

/// How a right goes into a message: what its sender must hold, and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Disposition {
    /// `MACH_MSG_TYPE_MOVE_RECEIVE`: the receive right leaves.
    MoveReceive = 16,
    /// `MACH_MSG_TYPE_MOVE_SEND`: one user reference of a send right leaves.
    MoveSend = 17,
    /// `MACH_MSG_TYPE_MOVE_SEND_ONCE`: the send-once right leaves.
    MoveSendOnce = 18,
    /// `MACH_MSG_TYPE_COPY_SEND`: a second send right is made from one that stays.
    CopySend = 19,
    /// `MACH_MSG_TYPE_MAKE_SEND`: a send right is made from the receive right.
    MakeSend = 20,
    /// `MACH_MSG_TYPE_MAKE_SEND_ONCE`: a send-once right is made from the receive right.
    MakeSendOnce = 21,
}

impl Disposition {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::MoveReceive,
        Self::MoveSend,
        Self::MoveSendOnce,
        Self::CopySend,
        Self::MakeSend,
        Self::MakeSendOnce,
    ];

    /// The disposition with this number. `None` for what Mach defines and accepts nowhere, too:
    /// `PORT_NAME` (15), `COPY_RECEIVE` (22) and the `DISPOSE` ones (24 to 26).
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|disposition| disposition.number() == number)
    }

    /// Mach's number.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// Whether the header may have it, for the destination or for the reply: all but the one that
    /// moves a receive right.
    pub const fn is_to_send(self) -> bool {
        !matches!(self, Self::MoveReceive)
    }

    /// Whether a voucher may have it.
    pub const fn is_for_voucher(self) -> bool {
        matches!(self, Self::MoveSend | Self::CopySend)
    }

    /// Whether what travels is a send-once right.
    pub const fn is_once(self) -> bool {
        matches!(self.port_type(), PortType::SendOnce)
    }

    /// What travels.
    pub const fn port_type(self) -> PortType {
        match self {
            Self::MoveReceive => PortType::Receive,
            Self::MoveSend | Self::CopySend | Self::MakeSend => PortType::Send,
            Self::MoveSendOnce | Self::MakeSendOnce => PortType::SendOnce,
        }
    }
}

/// What a right is once it has left its sender: all that its receiver sees of the disposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum PortType {
    /// `MACH_MSG_TYPE_PORT_RECEIVE`.
    Receive = 16,
    /// `MACH_MSG_TYPE_PORT_SEND`.
    Send = 17,
    /// `MACH_MSG_TYPE_PORT_SEND_ONCE`.
    SendOnce = 18,
}

impl PortType {
    /// Mach's number, which is that of the disposition that moves such a right.
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The number in a field that may have none: 0, `MACH_MSG_TYPE_NONE`.
    pub fn number_or_none(kind: Option<Self>) -> u32 {
        kind.map_or(0, Self::number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_machs() {
        for number in 0..256 {
            assert_eq!(Disposition::from_number(number).is_some(), (16..=21).contains(&number));
        }
    }

    #[test]
    fn b10_a_receiver_sees_one_of_three() {
        let seen = Disposition::ALL.map(|disposition| disposition.port_type().number());
        assert_eq!(seen, [16, 17, 18, 17, 17, 18]);
    }
}
