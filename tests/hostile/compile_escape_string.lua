-- The same in a string that has no end, which the message quotes.
-- expect: rejected
return { name = "
--^ 10 1b 5b 32 4a e2 80 ae ff 00
}
