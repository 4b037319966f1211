-- extend() with what is none of its arguments.
-- expect: rejected
for _, what in ipairs { {}, 5, error, true } do
    pcall(extend, what, what)
end
return extend({}, extend)
