-- Characters that terminals obey, bytes that are no UTF-8, and what HTML would read.
-- expect: failed
return {
    place = function() error("\27]0;title\7\155\0\r\8\127\u{202e}\u{9b}") end,
    relieve = function() error("\xff\xfe\xc0\x80\xed\xa0\x80\xf5\x80\x80\x80") end,
    limits = function() error("</script><script>alert(1)</script>\"'&\\u0000", 0) end,
    frame = function() error("\xe2\x82") end,
    pressure = function() error({}, 2) end,
    retain = function() error("\n\n\n\t\v\f") end,
}
