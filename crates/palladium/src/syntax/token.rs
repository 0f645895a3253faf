//! The tokens of the language.

use iridium_isa::Span;

/// A piece of the source: a word, a sign or a literal. What lies between two tokens is white space
/// and comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Whether it is the first on its line.
    pub newline: bool,
    /// The byte where it begins.
    pub start: u32,
    /// The byte after it; the same as `start` for a token that the source lacks.
    pub end: u32,
}

impl Token {
    /// Its place in the source.
    pub fn span(self) -> Span {
        self.start..self.end
    }
}

macro_rules! kinds {
    (
        texts { $($class:ident $text:literal,)* }
        reserved { $($word:ident $word_text:literal,)* }
        placed { $($place:ident $place_text:literal,)* }
        signs { $($sign:ident $sign_text:literal,)* }
    ) => {
        /// What a token is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Kind {
            $($class,)*
            $($word,)*
            $($place,)*
            $($sign,)*
        }

        impl Kind {
            /// The words that can be no names.
            pub const RESERVED: &[&str] = &[$($word_text),*];
            /// The words with a meaning only in their places; elsewhere they are names.
            pub const PLACED: &[&str] = &[$($place_text),*];
            /// The signs.
            pub const SIGNS: &[&str] = &[$($sign_text),*];

            /// How a message calls it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$class => $text,)*
                    $(Self::$word => concat!("`", $word_text, "`"),)*
                    $(Self::$place => concat!("`", $place_text, "`"),)*
                    $(Self::$sign => concat!("`", $sign_text, "`"),)*
                }
            }

            /// The word of the language with this text.
            pub(super) fn word(text: &str) -> Option<Self> {
                match text {
                    $($word_text => Some(Self::$word),)*
                    $($place_text => Some(Self::$place),)*
                    _ => None,
                }
            }

            /// Whether it is a word that can be no name.
            pub fn is_reserved(self) -> bool {
                matches!(self, $(Self::$word)|*)
            }

            /// Whether it is a name that begins with a lower-case letter, which the words that have
            /// a meaning only in their places are as well.
            pub fn is_name(self) -> bool {
                matches!(self, Self::Name $(| Self::$place)*)
            }
        }
    };
}

kinds! {
    texts {
        Name "a name",
        TypeName "a name of a type",
        Int "a number",
        Float "a number",
        Char "a character",
        String "a string",
        Bytes "a string of bytes",
        // `f"`, text, `{`, the tokens of an expression, `:` and a format, `}`, text, `"`
        FormatStart "a string",
        FormatText "text",
        FormatOpen "`{`",
        FormatSpec "a format",
        FormatClose "`}`",
        FormatEnd "the end of a string",
        // What the lexer has said all about already.
        Error "an unknown sign",
        End "the end of the file",
    }
    reserved {
        Actor "actor",
        Alias "alias",
        And "and",
        As "as",
        Assert "assert",
        Become "become",
        Break "break",
        Const "const",
        Continue "continue",
        Else "else",
        Enum "enum",
        False "false",
        Fn "fn",
        For "for",
        If "if",
        Import "import",
        In "in",
        Is "is",
        Let "let",
        Loop "loop",
        Match "match",
        Not "not",
        Or "or",
        Pub "pub",
        Receive "receive",
        Record "record",
        Return "return",
        SelfWord "self",
        Spawn "spawn",
        True "true",
        Var "var",
        While "while",
    }
    placed {
        After "after",
        App "app",
        Child "child",
        Every "every",
        Intrinsic "intrinsic",
        Old "old",
        On "on",
        Receives "receives",
        System "system",
        Test "test",
        Where "where",
        Within "within",
    }
    signs {
        LParen "(",
        RParen ")",
        LBracket "[",
        RBracket "]",
        LBrace "{",
        RBrace "}",
        Comma ",",
        Semicolon ";",
        Colon ":",
        Dot ".",
        DotDot "..",
        DotDotEq "..=",
        Arrow "->",
        FatArrow "=>",
        Underscore "_",
        Question "?",
        Bang "!",
        Eq "=",
        PlusEq "+=",
        MinusEq "-=",
        StarEq "*=",
        SlashEq "/=",
        PercentEq "%=",
        PlusWrapEq "+%=",
        MinusWrapEq "-%=",
        StarWrapEq "*%=",
        AmpEq "&=",
        BarEq "|=",
        CaretEq "^=",
        ShlEq "<<=",
        ShrEq ">>=",
        Plus "+",
        Minus "-",
        Star "*",
        Slash "/",
        Percent "%",
        PlusWrap "+%",
        MinusWrap "-%",
        StarWrap "*%",
        Amp "&",
        Bar "|",
        Caret "^",
        Shl "<<",
        Shr ">>",
        EqEq "==",
        NotEq "!=",
        Lt "<",
        Le "<=",
        Gt ">",
        Ge ">=",
        // Of other languages, to say what to write instead.
        AmpAmp "&&",
        BarBar "||",
    }
}

impl Kind {
    /// Whether a statement can end with it, so that a newline after it ends one.
    pub fn can_end(self) -> bool {
        use Kind::*;
        self.is_name()
            || matches!(
                self,
                TypeName | Int | Float | Char | String | Bytes | FormatEnd | Error | Underscore
            )
            || matches!(self, RParen | RBracket | RBrace | Question | Bang | Semicolon)
            || matches!(self, SelfWord | True | False | Return | Break | Continue)
    }

    /// Whether a line that begins with it goes on with the statement before.
    pub fn continues(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Dot | Question
                | And
                | Or
                | Else
                | Within
                | Where
                | Receives
                | Arrow
                | FatArrow
                | In
                | Is
        ) || self.is_assignment()
            || self.is_infix_sign()
    }

    /// Whether it is `=`, `+=` or the like.
    pub fn is_assignment(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Eq | PlusEq
                | MinusEq
                | StarEq
                | SlashEq
                | PercentEq
                | PlusWrapEq
                | MinusWrapEq
                | StarWrapEq
                | AmpEq
                | BarEq
                | CaretEq
                | ShlEq
                | ShrEq
        )
    }

    /// Whether it can stand only between two operands.
    fn is_infix_sign(self) -> bool {
        use Kind::*;
        matches!(
            self,
            DotDot
                | DotDotEq
                | Plus
                | Star
                | Slash
                | Percent
                | PlusWrap
                | MinusWrap
                | StarWrap
                | Amp
                | Bar
                | Caret
                | Shl
                | Shr
                | EqEq
                | NotEq
                | Lt
                | Le
                | Gt
                | Ge
                | AmpAmp
                | BarBar
        )
    }

    /// Whether it opens a bracket.
    pub fn opens(self) -> bool {
        use Kind::*;
        matches!(self, LParen | LBracket | LBrace | FormatOpen)
    }

    /// What closes the bracket that it opens.
    pub fn closer(self) -> Option<Self> {
        use Kind::*;
        Some(match self {
            LParen => RParen,
            LBracket => RBracket,
            LBrace => RBrace,
            FormatOpen => FormatClose,
            _ => return None,
        })
    }

    /// Whether it closes a bracket.
    pub fn closes(self) -> bool {
        use Kind::*;
        matches!(self, RParen | RBracket | RBrace | FormatClose)
    }

    /// Whether an expression can begin with it.
    pub fn begins_expr(self) -> bool {
        use Kind::*;
        self.is_name()
            || matches!(
                self,
                TypeName | Int | Float | Char | String | Bytes | FormatStart | SelfWord | True
            )
            || matches!(self, False | LParen | LBracket | Minus | Not | Bang | Fn | If | Match)
            || matches!(self, Loop | Receive | Spawn | Return | Break | Continue | Become | Amp)
    }
}
