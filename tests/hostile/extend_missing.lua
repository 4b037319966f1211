-- A text that there is none of, with a name that would be obeyed.
-- expect: rejected
return extend("\27[2J../../etc/passwd\xff", {})
