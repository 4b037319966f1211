-- A name that would clear the terminal.
-- expect: rejected
-- says: name
return { name = "good\27[2J\27]0;bad\7" }
