-- A number of sixty thousand digits in the text.
-- expect: ends
return {
    frame = function()
        local _ =
--* 60000 9
        return nil
    end,
}
