-- Tags that would be obeyed.
-- expect: ends
return {
    limits = function()
        return { tags = { ["\27[2J"] = 1, ["\xff\xc0"] = 2, ["</script>"] = 3, [""] = 4 } }
    end,
}
