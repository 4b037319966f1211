-- The text ends in the middle of a long string.
-- expect: rejected
return { name = [==[
--* 10000 ]=
