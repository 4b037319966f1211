-- extend() is for loading; hooks cannot read files.
-- expect: failed
return { frame = function() return extend("good.lua", {}) end }
