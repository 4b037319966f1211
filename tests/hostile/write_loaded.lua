-- The text tries what hooks must not.
-- expect: rejected
string.rep = nil
return {}
