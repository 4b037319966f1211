-- The same as bytes, with others that are no UTF-8.
-- expect: rejected
return { name =
--^ 40 1b 5b 33 31 6d 07 9b ff c0 80 0d 0a
}
