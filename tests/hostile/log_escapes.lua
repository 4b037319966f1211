-- Lines that would be obeyed.
-- expect: decides
return {
    frame = function()
        log("\27[2J\27]0;bad\7\155\xff\xc0\x80\r\n</script>%s", "\0\8")
        log(("x"):rep(16000))
        log("%s %s", {}, log)
        return { depth = 1 }
    end,
}
