-- What pandoc lacks of Quarto: numbered cross-references, callouts, tabsets, folded code.
-- Problems go to stderr as `PROBLEM <tab> key <tab> found <tab> expected`; the key is text to find the line by.

local KINDS = { fig = 'Figure', tbl = 'Table', eq = 'Equation', sec = 'Section' }
local CALLOUTS = { note = 'Note', tip = 'Tip', important = 'Important', warning = 'Warning', caution = 'Caution' }
local stringify = pandoc.utils.stringify
local failed = false

local function problem(key, found, expected)
  failed = true
  io.stderr:write('PROBLEM\t', key, '\t', found:gsub('%s+', ' '), '\t', expected, '\n')
end

local function html(text) return pandoc.RawBlock('html', text) end

local function escape(text)
  return (text:gsub('[&<>"]', { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;' }))
end

local function kind_of(id) return KINDS[id:match('^(%a+)%-') or ''] and id:match('^(%a+)%-') end

local function joined(...) -- lists of blocks and single blocks as one list
  local all = pandoc.Blocks {}
  for _, part in ipairs { ... } do
    if pandoc.utils.type(part) == 'Block' then all:insert(part) else all:extend(part) end
  end
  return all
end

-- 1. Plain shapes -----------------------------------------------------------------------------------------------

local function image(img)
  local alt = img.attributes['fig-alt']
  local src = img.src
  if not alt or alt:match('^%s*$') then
    problem('](' .. src:sub(1, 200), 'an image without fig-alt', '{fig-alt="what it shows"}')
  elseif not src:match('^data:image/') and (src:match('^%a[%w+.-]*:') or src:match('^/') or src:match('%.%.')) then
    problem('](' .. src:sub(1, 200), "image '" .. src:sub(1, 60) .. "'", 'a file beside the report')
  end
  img.attributes['fig-alt'] = nil
  img.caption = { pandoc.Str(alt or '') }
  return img
end

local function link(a)
  local scheme = a.target:match('^(%a[%w+.-]*):')
  if scheme and not ({ http = 1, https = 1, mailto = 1, doi = 1 })[scheme:lower()] then
    problem(a.target, "a link to '" .. scheme .. ":'", 'http, https, mailto or a place on the page')
  end
end

local function captioned(div) -- ::: {#fig-x} or {#tbl-x}: content, then the caption as the last paragraph
  local kind = kind_of(div.identifier) or (div.classes:includes 'fig-cap' and 'fig')
    or (div.classes:includes 'tbl-cap' and 'tbl')
  if kind ~= 'fig' and kind ~= 'tbl' then return end
  local caption = div.content[#div.content]
  if #div.content < 2 or caption.t ~= 'Para' then
    problem('#' .. div.identifier, 'a figure or table without content or caption', 'content, then a caption paragraph')
    return
  end
  div.content:remove()
  local body = div.content
  if #body == 1 and body[1].t == 'Table' then
    body[1].identifier, body[1].caption = div.identifier, { long = { pandoc.Plain(caption.content) } }
    return body[1]
  end
  body = body:map(function(b) -- an image alone in a paragraph is content, not one more figure
    return b.t == 'Figure' and b.identifier == '' and b.content[1] or b
  end)
  return pandoc.Figure(body, { pandoc.Plain(caption.content) }, pandoc.Attr(div.identifier, { kind }))
end

local function table_label(tbl) -- pandoc before 3.6 leaves `{#tbl-x}` in the caption
  local long = tbl.caption.long[1]
  local last = long and long.content[#long.content]
  local id = last and last.t == 'Str' and last.text:match('^{#(tbl%-[%w_-]+)}$')
  if id then
    long.content:remove()
    tbl.identifier = id
  end
  for n, spec in ipairs(tbl.colspecs) do tbl.colspecs[n] = { spec[1], nil } end -- widths are the browser's to find
  return tbl
end

local function equations(inlines) -- $$ ... $$ {#eq-x}
  local n = 1
  while n <= #inlines do
    local math, tag, skip = inlines[n], inlines[n + 1], 1
    if tag and (tag.t == 'Space' or tag.t == 'SoftBreak') then tag, skip = inlines[n + 2], 2 end
    local id = math.mathtype == 'DisplayMath' and tag and tag.t == 'Str' and tag.text:match('^{#(eq%-[%w_-]+)}')
    if id then
      local rest = tag.text:match('}(.+)$')
      for _ = 1, skip do inlines:remove(n + 1) end
      inlines[n] = pandoc.Span({ math }, pandoc.Attr(id, { 'equation' }))
      if rest then inlines:insert(n + 1, pandoc.Str(rest)) end
    end
    n = n + 1
  end
  return inlines
end

-- 2. Numbers and references -------------------------------------------------------------------------------------

local index = {} -- label -> what a reference to it says

local function enter(id, kind, number, title)
  if index[id] then problem('#' .. id, "label '" .. id .. "' for the second time", 'labels that are unique') end
  index[id] = { kind = KINDS[kind], number = number, title = title }
end

local function numbering(sections)
  local count, level = { fig = 0, tbl = 0, eq = 0 }, { 0, 0, 0, 0, 0, 0 }
  local function take(el, kind)
    if kind_of(el.identifier) ~= kind then return end
    count[kind] = count[kind] + 1
    enter(el.identifier, kind, tostring(count[kind]))
    return count[kind]
  end
  local function caption(el, kind)
    local n, long = take(el, kind), el.caption.long[1]
    if n and long then
      long.content = pandoc.Inlines { pandoc.Span(KINDS[kind] .. '\u{a0}' .. n .. ':', { class = 'caption-label' }),
        pandoc.Space() } .. long.content
    elseif n then
      problem('#' .. el.identifier, 'a figure or table without a caption', 'a caption')
    end
    return el
  end
  return {
    traverse = 'topdown',
    Figure = function(el) return caption(el, el.classes:includes 'tbl' and 'tbl' or 'fig') end,
    Table = function(el) return caption(el, 'tbl') end,
    Span = function(el)
      local n = take(el, 'eq')
      if n then el.content:insert(pandoc.Span('(' .. n .. ')', { class = 'equation-number' })) end
      return el
    end,
    Header = function(el)
      local title, number = el.content:clone(), nil
      if sections and not el.classes:includes 'unnumbered' then
        local depth = el.level - 1
        level[depth] = level[depth] + 1
        for below = depth + 1, 6 do level[below] = 0 end
        number = table.concat(level, '.', 1, depth)
        el.content = pandoc.Inlines { pandoc.Span(number, { class = 'section-number' }), pandoc.Space() } .. el.content
      end
      if kind_of(el.identifier) == 'sec' then enter(el.identifier, 'sec', number, title) end
      return el
    end,
  }
end

local function reference(cite)
  local ours = cite.citations:filter(function(c) return kind_of(c.id) end)
  if #ours == 0 then return end
  local said = pandoc.Inlines {}
  for n, c in ipairs(cite.citations) do
    local to = index[c.id]
    if not to then
      problem('@' .. c.id, '@' .. c.id .. ', which is nowhere on the page', 'the label of something on the page')
      return
    end
    local text = to.number and pandoc.Inlines(c.mode == 'SuppressAuthor' and to.number or to.kind .. '\u{a0}' .. to.number)
      or to.title
    if n > 1 then said:extend { pandoc.Str ',', pandoc.Space() } end
    if #c.prefix > 0 then
      said:extend(c.prefix)
      said:insert(pandoc.Space())
      text = pandoc.Inlines(to.number or to.title)
    end
    said:insert(pandoc.Link(text, '#' .. c.id, '', { class = 'xref' }))
    said:extend(c.suffix)
  end
  return said
end

-- 3. Callouts, tabsets, code, tables ------------------------------------------------------------------------------

local function callout(div, kind)
  for key in pairs(div.attributes) do
    if key ~= 'title' and key ~= 'collapse' then
      problem('callout-' .. kind, "callout attribute '" .. key .. "'", 'title, collapse')
    end
  end
  local first, title = div.content[1], div.attributes.title
  if not title and first and first.t == 'Header' then title = stringify(div.content:remove(1)) end
  local word = '<span class="callout-kind">' .. CALLOUTS[kind] .. '</span>'
  local heading = title and word .. ' <span class="callout-title">' .. escape(title) .. '</span>' or word
  local class, collapse = ' class="callout callout-' .. kind .. '"', div.attributes.collapse
  if collapse then
    local open = collapse == 'false' and ' open' or ''
    local summary = title and '<span class="callout-fold">' .. escape(title) .. '</span>' or word
    return joined(html('<details' .. class .. open .. '><summary>' .. summary .. '</summary>'), div.content, html '</details>')
  end
  return joined(html('<div' .. class .. ' role="note"><p class="callout-head">' .. heading .. '</p>'), div.content,
    html '</div>')
end

local tabsets = 0

local function tabset(div)
  tabsets = tabsets + 1
  local top = div.content[1]
  if not top or top.t ~= 'Header' then
    problem('.panel-tabset', 'a tabset that does not begin with a heading', 'a heading for each tab')
    return
  end
  local name, out, tabs = 'tabset-' .. tabsets, pandoc.Blocks {}, 0
  for _, block in ipairs(div.content) do
    if block.t == 'Header' and block.level == top.level then
      tabs = tabs + 1
      local id = name .. '-' .. tabs
      out:insert(html((tabs > 1 and '</div>' or '') .. '<input type="radio" name="' .. name .. '" id="' .. id .. '"'
        .. (tabs == 1 and ' checked' or '') .. '><label for="' .. id .. '">' .. escape(stringify(block)) .. '</label>'
        .. '<div class="tab-panel">'))
    else
      out:insert(block)
    end
  end
  return joined(html '<div class="tabset" role="group" aria-label="Tabs">', out, html '</div></div>')
end

local function shaped(div)
  for _, class in ipairs(div.classes) do
    local kind = class:match('^callout%-(%a+)$')
    if CALLOUTS[kind] then return callout(div, kind) end
    if class == 'panel-tabset' then return tabset(div) end
  end
  return captioned(div)
end

local function code(block)
  block.attributes.tabindex = '0' -- a block that scrolls must be reached without a mouse
  if not block.attributes.fold then return block end
  block.attributes.fold = nil
  return { html '<details class="code-fold"><summary>Code</summary>', block, html '</details>' }
end

local function scrolling(tbl)
  for n, spec in ipairs(tbl.colspecs) do -- a class for each column of numbers: a style at every cell would weigh a tenth
    if spec[1] == 'AlignRight' and n <= 12 then
      tbl.classes:insert('n' .. n)
      tbl.colspecs[n] = { 'AlignDefault', spec[2] }
    end
  end
  local label = escape(stringify(tbl.caption.long))
  return { html('<div class="table-wrap" role="region" tabindex="0" aria-label="' .. (label ~= '' and label or 'Table') .. '">'),
    tbl, html '</div>' }, false
end

-- 4. The page -----------------------------------------------------------------------------------------------------

local function headings(doc) -- the title is the only level 1, and no level is skipped
  local top, before = 7, 1
  doc:walk { Header = function(h) top = math.min(top, h.level) end }
  return doc:walk { Header = function(h)
    h.level = h.level + (top == 1 and 1 or 0)
    if h.level > before + 1 then
      problem(stringify(h), "heading '" .. stringify(h) .. "' skips a level", 'one level at a time, from ##')
    end
    before = h.level
    return h
  end }
end

local function lift_mark(doc) -- .synthetic-mark is a band across the page, not a paragraph of it
  return doc:walk { Div = function(div)
    if div.classes:includes 'synthetic-mark' then
      doc.meta['synthetic-mark'] = stringify(div)
      return {}
    end
  end }, doc.meta['synthetic-mark']
end

function Pandoc(doc)
  local mark, has_refs, cites
  doc, mark = lift_mark(doc)
  doc = doc:walk { Inlines = equations, Image = image, Link = link, Table = table_label }:walk { Div = shaped }
  doc = headings(doc)
  doc = doc:walk(numbering(doc.meta['number-sections'] == true)):walk { Cite = reference }
  doc = doc:walk { traverse = 'topdown', CodeBlock = code, Table = scrolling }
  doc:walk { Div = function(d) has_refs = has_refs or d.identifier == 'refs' end, Cite = function() cites = true end }
  if failed then os.exit(83, true) end
  doc.meta['synthetic-mark'] = mark
  if cites and not has_refs then
    doc.blocks:extend { pandoc.Header(2, 'References', { id = 'references', class = 'unnumbered' }), pandoc.Div({}, { id = 'refs' }) }
  end
  return doc
end
