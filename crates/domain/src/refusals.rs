//! The lists of what an API refuses.

/// An enum of refusals. Each has a code (`SCREAMING_SNAKE`, subject first, never renamed and never reused), its HTTP status, and a sentence
/// for a person.
macro_rules! refusals {
    ($(#[$attribute:meta])* $name:ident { $($variant:ident $code:literal $status:literal $sentence:literal)+ }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = $sentence] $variant,)+
        }

        impl $name {
            /// All of them, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code in answers.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status of answers.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// The sentence for a person.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

pub(crate) use refusals;
