-- Characters that terminals obey, in a message about the text itself.
-- expect: rejected
return { name = \27[31m$\7\155 }
