//! The state of the model: a receiver R with one send-once right in the world, tasks 0, 1, 2 (each
//! passes it on to the next, the last one to R perhaps), and the authority A between them.

use super::rules::{Rule, Rules};

pub(crate) const TASKS: usize = 3;
/// R as a destination.
pub(crate) const HOME: u8 = 9;

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wrong {
    /// More than one message or notification came of one right.
    Twice,
    /// Nothing more happens by itself, nobody has the right, and nothing came of it.
    Missing,
    /// A message was sent with the right, or the right has arrived, and R does not know it.
    Lost,
    /// A task that nobody gave the right to has used it.
    Forged,
}

/// A short queue.
pub(crate) type Queue<T> = crate::queue::Queue<T, 8>;

/// What A tells R.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    #[default]
    None,
    Introduced(u8),
    /// `by` has passed on its token (no number), or what it has by a number; the new number is `number`.
    Granted {
        by: u8,
        old: Option<u8>,
        to: u8,
        number: u8,
    },
    Dropped {
        task: u8,
        number: u8,
    },
    Died(u8),
}

/// What a task tells R over their link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum News {
    #[default]
    None,
    Claimed(u8),
    Dropped(u8),
}

/// What lies in a task's reply slot, or in the lane that it has opened with a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    #[default]
    None,
    Message,
    Drop,
}

/// What a task has of the right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Has {
    #[default]
    Nothing,
    /// As R gave it.
    Token,
    /// As the task before passed it on.
    Number(u8),
    /// It has asked for a grant to the next one, and not sent it.
    Unsent(u8),
    /// It has opened a lane with it.
    Lane,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Task {
    pub(crate) dead: bool,
    /// A has seen its death; R has acted on it.
    pub(crate) noticed: bool,
    pub(crate) gone: bool,
    pub(crate) has: Has,
    /// It has linked with R; R has mapped the link.
    pub(crate) linked: bool,
    pub(crate) known: bool,
    pub(crate) slot: Item,
    pub(crate) lane: Item,
    pub(crate) news: Queue<News>,
    /// Numbers that it asks A to drop.
    pub(crate) says: Queue<u8>,
    /// A message to the next task with the right in it, not received yet.
    pub(crate) passed: Option<u8>,
    /// The question whether this number of the task before has arrived.
    pub(crate) asked: Option<u8>,
    pub(crate) grants: u8,
}

/// Where the right is, as R knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cover {
    Out(u8),
    Granted { by: u8, to: u8, number: u8 },
    Lane(u8),
    Home,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) tasks: [Task; TASKS],
    pub(crate) cover: Cover,
    /// A token that R did not take when it should have.
    pub(crate) also: Option<u8>,
    pub(crate) events: Queue<Event>,
    pub(crate) arrived: u8,
    /// Events that A has not flagged yet, though it has answered.
    pub(crate) late: Queue<Event>,
    /// Questions of R on their way: to whom, about which number.
    pub(crate) questions: Queue<(u8, u8)>,
    pub(crate) numbers: u8,
    /// Messages and notifications that came of the right.
    pub(crate) came: u8,
    pub(crate) liar: Option<u8>,
    pub(crate) wrong: Option<Wrong>,
}

impl State {
    /// Task 0 has the right, as R gave it.
    pub(crate) fn new() -> Self {
        let mut tasks = [Task::default(); TASKS];
        (tasks[0].has, tasks[0].linked, tasks[0].known) = (Has::Token, true, true);
        Self {
            tasks,
            cover: Cover::Out(0),
            also: None,
            events: Queue::default(),
            arrived: 0,
            late: Queue::default(),
            questions: Queue::default(),
            numbers: 0,
            came: 0,
            liar: None,
            wrong: None,
        }
    }

    pub(crate) fn is_honest(&self, at: usize) -> bool {
        self.liar != Some(at as u8)
    }

    pub(crate) fn next_number(&mut self) -> u8 {
        self.numbers += 1;
        self.numbers
    }

    /// An event is flagged and cannot be read yet.
    pub(crate) fn is_event_coming(&self) -> bool {
        self.events.len() > usize::from(self.arrived)
    }

    /// Whether somebody can still do something with the right.
    pub(crate) fn lives(&self, tasks: usize) -> bool {
        let lives = |at: usize| at >= tasks || !self.tasks[at].dead;
        self.cover == Cover::Home
            || (0..tasks).any(|at| {
                let task = &self.tasks[at];
                (!task.dead && task.has != Has::Nothing) || (task.passed.is_some() && lives(at + 1))
            })
    }

    /// A message or a notification comes of the right.
    fn come(&mut self) {
        self.came += 1;
        self.cover = Cover::Over;
        if self.came > 1 {
            self.wrong.get_or_insert(Wrong::Twice);
        }
    }

    /// R acts on the next event.
    pub(crate) fn act(&mut self, rules: Rules) {
        let Some(event) = self.events.pop() else { return };
        self.arrived -= 1;
        match event {
            Event::None => {}
            Event::Introduced(task) => self.tasks[usize::from(task)].known = true,
            Event::Granted { by, old, to, number } => self.grant((by, old), to, number, rules),
            Event::Dropped { task, number } => self.end(task, number, rules),
            Event::Died(task) => self.lose(task, rules),
        }
    }

    fn act_on_arrived(&mut self, rules: Rules) {
        while self.arrived > 0 {
            self.act(rules);
        }
    }

    fn grant(&mut self, (by, old): (u8, Option<u8>), to: u8, number: u8, rules: Rules) {
        let is_theirs = match (self.cover, old) {
            (Cover::Out(task), None) => task == by,
            (Cover::Granted { by: issuer, to, number }, Some(old)) => {
                number == old && (to == by || (issuer == by && rules.on(Rule::IssuerMayTakeBack)))
            }
            _ => false,
        };
        let is_open = matches!(self.cover, Cover::Out(_) | Cover::Granted { .. });
        if !is_theirs && (rules.on(Rule::HolderIsChecked) || !is_open) {
            return;
        }
        if let (Cover::Out(task), false) = (self.cover, rules.on(Rule::TokenIsTaken)) {
            self.also = Some(task);
        }
        self.cover = Cover::Granted { by, to, number };
    }

    /// A task drops what it has, or what it has not sent, or answers that it has nothing.
    fn end(&mut self, task: u8, number: u8, rules: Rules) {
        if let Cover::Granted { by, to, number: open } = self.cover
            && open == number
            && (to == task || (by == task && rules.on(Rule::IssuerMayTakeBack)))
        {
            self.come();
        }
    }

    fn lose(&mut self, dead: u8, rules: Rules) {
        let at = usize::from(dead);
        if rules.on(Rule::LastNewsCount) && self.tasks[at].known {
            while self.tasks[at].news.len() > 0 && self.take_news(at, rules, true) {}
        }
        self.tasks[at].gone = true;
        if self.also == Some(dead) {
            self.also = None;
            self.come();
        }
        match self.cover {
            Cover::Out(task) if task == dead => self.come(),
            Cover::Granted { to, .. } if to == dead && rules.on(Rule::DestinationsDie) => self.come(),
            Cover::Granted { by, to, number } if by == dead && rules.on(Rule::DeathIsSettled) => {
                self.questions.push((to, number));
            }
            Cover::Lane(task) if task == dead && !rules.on(Rule::DeadAreHeardOut) => {
                if self.tasks[at].lane == Item::Message {
                    self.wrong.get_or_insert(Wrong::Lost);
                }
                self.come();
            }
            _ => {}
        }
    }

    /// R takes the next news of a task; false if they wait. `are_last`: A has told everything.
    pub(crate) fn take_news(&mut self, at: usize, rules: Rules, are_last: bool) -> bool {
        let Some(news) = self.tasks[at].news.front() else { return false };
        let rule = if matches!(news, News::Claimed(_)) { Rule::ClaimsWait } else { Rule::DropsWait };
        if rules.on(rule) && !are_last {
            self.act_on_arrived(rules);
            if self.is_event_coming() || self.tasks[at].news.front() != Some(news) {
                return false;
            }
        }
        self.tasks[at].news.pop();
        match news {
            News::None => {}
            News::Claimed(number) => self.claim(at, number, rules),
            News::Dropped(number) => self.end(at as u8, number, rules),
        }
        true
    }

    fn claim(&mut self, at: usize, claimed: u8, rules: Rules) {
        match self.cover {
            Cover::Granted { to, number, .. }
                if number == claimed && (to == at as u8 || !rules.on(Rule::ClaimantIsChecked)) =>
            {
                self.cover = Cover::Lane(at as u8);
                if !self.is_honest(at) {
                    self.wrong.get_or_insert(Wrong::Forged);
                }
            }
            _ if self.is_honest(at) => {
                self.wrong.get_or_insert(Wrong::Lost);
            }
            _ => {}
        }
    }

    /// R looks at what it awaits; false if there is nothing.
    pub(crate) fn receive(&mut self) -> bool {
        let (item, is_gone) = match self.cover {
            Cover::Out(task) => (self.tasks[usize::from(task)].slot, false),
            Cover::Lane(task) => (self.tasks[usize::from(task)].lane, self.tasks[usize::from(task)].gone),
            _ => return false,
        };
        if item == Item::None && !is_gone {
            return false;
        }
        self.come();
        true
    }

    /// The right has come back to R, in a message of the task.
    pub(crate) fn arrive_home(&mut self, at: usize, rules: Rules) {
        self.arrived = self.events.len() as u8; // R waits for what was flagged
        self.act_on_arrived(rules);
        match (self.tasks[at].passed.take(), self.cover) {
            (Some(passed), Cover::Granted { to: HOME, number, .. }) if number == passed => {
                self.cover = Cover::Home;
            }
            _ => {
                self.wrong.get_or_insert(Wrong::Lost);
            }
        }
    }

    /// R itself is the destination of a dead task, of which nothing more comes.
    pub(crate) fn settle_home(&mut self, asked: u8) {
        if matches!(self.cover, Cover::Granted { to: HOME, number, .. } if number == asked) {
            self.come();
        }
    }

    /// R uses a right that has come home.
    pub(crate) fn use_at_home(&mut self) {
        self.come();
    }
}
