"""The words of the injection rules. Letters only, as squeezed text is; `.{0,n}` is a gap. `rules.py` says how they are read."""
# ruff: noqa: E501 - a pattern reads best in one line

from __future__ import annotations

_DROP = (
    "(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?(?:about)?|overrid(?:e|ing)|bypass(?:ing)?|neglect|donotfollow|dontfollow|stopfollowing|"
    "nolongerfollow|stopobeying|donotobey|dontobey|throwaway)"
)
_EARLIER = "(?:previous|prior|above|earlier|preceding|foregoing|initial|original|existing|current|your|yourown|system|developer|hidden|past|former)"
_ORDERS = (
    "(?:instruct|prompt|direction|guideline|command|directive|constraint|restriction|programming|training|safety|guardrail|rule|polic|order|"
    "systemmessage|ethic|moral|limitation)"
)
_TOLD = "(?:thesystemmessage|thesystemprompt|whatyouweretold|whatyouhavebeentold|whatcamebefore|everything(?:above|before|youweretold|youhavebeentold|yourdeveloper)|allofthe(?:above|preceding))"
_SHOW = (
    "(?:reveal|show|print|repeat|output|display|tell|giv(?:e|ing)|write|leak|dump|recite|share|translate|summari[sz]e|encode|disclose|expose|paste|"
    "provide|return|echo|whatdoes|whatdid|say|complete|spellout|sayback|copy|quote|list|describe|whatis|whatare|whats|whatwas|whatwere|readout|append)"
)
_PROMPT = (
    "(?:systemprompt|systeminstruct|systemmessage|initialprompt|initialinstruct|hiddenprompt|hiddeninstruct|originalprompt|originalinstruct|"
    "secretinstruct|secretprompt|developermessage|developerprompt|developerinstruct|confidentialinstruct|internalinstruct|preprompt|metaprompt|"
    "yourinstructions(?!for|on|to)|yourexactinstruct|yourprompt|yourfullprompt|promptabove|instructionsabove|textabove|wordsabove|"
    "instructionsyouweregiven|instructionsyouhavebeengiven|instructionsyoureceived|yourguidelines|yourrules|rulesyouwere|rulesyouhavebeen|rawprompt|ownprompt|initialisedwith|initializedwith|yourconfiguration|yourguardrails)"
)
_FREE = (
    "(?:unrestrict|unfilter|uncensor|unbound|unlimitedai|jailbroken|evil|amoral|unethical|dan(?:who|mode|and|an|the|you)|doanythingnow|withoutrestrict|"
    "withoutany(?:restrict|limit|rule|filter|ethic|moral|guideline|censor)|norestrict|nolimits|norules|nofilters|nolimitations|noethic|nomoral|"
    "noguidelines|nocensor|freefrom|freeof(?:all|any)|notboundby|notbound|nolongerbound|nosafety|nocontentpolicy|withnocontentpolicy)"
)

RULES: tuple[tuple[str, str, str], ...] = (
    (
        "injection.override",
        "an order to drop earlier instructions",
        f"{_DROP}(?:(?:.{{0,24}}?{_EARLIER}.{{0,18}}?{_ORDERS})|.{{0,8}}?(?:all|any|every|these|those)(?:the|of|your|my|other)?(?:instruct|prompt|directive|guardrail|"
        f"rulesyou|rulesand|safety)|.{{0,12}}?{_TOLD}|.{{0,6}}?(?:the)?instructions(?:above|before|given|you|and|that)|(?:it|them|that|this)all(?:and|now)(?:instead|you))",
    ),
    (
        "injection.override-de",
        "an order in German to drop earlier instructions",
        "(?:ignorier|missacht|vergiss?|uberg(?:eh|ing)|verwirf|beachte.{0,30}nichtmehr|befolg.{0,30}nicht(?:mehr)?|hal(?:te|t)dichnicht|setz.{0,16}ausserkraft|umgeh)"
        ".{0,36}?(?:anweisung|instruktion|vorgabe|systemprompt|prompt|befehl|richtlinie|regeln|dirgesagt|dirvorher|wasdir|bisherige(?:n)?(?:regel|kontext)|alleszuvor|allesdavor|"
        "allesbisherige|allesobige|sicherheitsregel|einschrankung)|(?:anweisung|regeln|vorgabe|richtlinie|einschrankung)(?:en|n)?(?:geltennichtmehr|sindaufgehoben|sindungultig|nichtmehrgultig)|(?:anweisung|regeln|vorgabe|richtlinie).{0,8}auss?s?erkraft|(?:beacht|befolg).{0,24}(?:anweisung|regeln|vorgabe|richtlinie).{0,8}nicht(?:mehr|langer)",
    ),
    (
        "injection.override-translated",
        "an order in another language to drop earlier instructions",
        "ignore(?:les|as|las|le|la)(?:instruc|consigne|regles|regras|reglas)|(?:ignora|olvida|desatiende|descarta|hazcasoomisode|ignorez|oubliez?|netienspascompte|netenezpascompte|faisabstraction|negligez?|dimentica|"
        "nonseguire|esqueca|desconsidere|negeer|vergeet|zignoruj|pomin|zapomnij|ignorera|bortsefra|unutveyoksay|yoksay|oncekitum)"
        ".{0,36}?(?:instruc|instruk|instruz|indicacion|consigne|directive|istruzioni|direttiv|regole|reglas|regles|ordenes|ordini|ordres|comandos|polecen|prompt|"
        "talimat|anvisning|dicho|detto|ditoacima)"
        "|(?:игнорируй|игнорировать|забудь|забудьте|отмени|незамечай).{0,48}?(?:инструкц|указани|правил|команд|промпт|сказано)"
        "|(?:忽略|无视|忘记|忘掉|不要理会|無視|忽視|忘れ).{0,36}?(?:指令|指示|提示|规则|規則|命令|设定|設定|プロンプト|ルール)"
        "|(?:指令|指示|プロンプト|ルール|命令|설정|지시|명령|프롬프트|규칙).{0,24}?(?:無視|忘れ|忽略|무시|잊어)"
        "|(?:تجاهل|انس).{0,48}?(?:التعليمات|الأوامر|تعليمات)|(?:अनदेखा|नज़रअंदाज़|भूल).{0,48}?(?:निर्देश)|(?:निर्देश).{0,48}?(?:अनदेखा|नज़रअंदाज़|भूल)",
    ),
    (
        "injection.role",
        "an order to be somebody without limits",
        f"(?:you(?:a?re)now|youwillnowbe|you(?:a?re)nolonger|fromnowonyou(?:are|will|act|must|have)|startingnowyou|actas|actlike|behaveas|behavelike|pretend(?:to|that|you|as)|roleplay(?:as)?|"
        f"imagine(?:that)?you|simulate|assumetherole|takeontherole|playtherole|iwantyoutobe).{{0,60}}?{_FREE}"
        "|youarenow(?:in)?(?:dan|stan|dude|aim|devmode|developermode|godmode|freeof)|you(?:a?re)nolonger(?:an?ai|chatgpt|claude|bound|an?assistant|ahelpful|restricted|limited|required)"
        "|(?:isnt|not|nolonger|arent)boundby(?:any|the|your|its)?(?:rules|polic|restrict|guidelines|norms)|pretendyou(?:have|dont).{0,12}(?:no|any|have)(?:rules|restrict|guidelines|limit|filter)"
        "|(?:dubist(?:ab)?(?:jetzt|nun)|abjetztbistdu|vonnunanbistdu|abjetzt(?:antwortest|handelst|ignorierst)|tusoalsob|stelldirvordubist|verhaltedichwie)"
        ".{0,60}?(?:ohne(?:jede|alle)?(?:regel|einschrank|filter|grenze|beschrank|moral)|uneingeschrank|unzensier|ungefilter|keineregel|keineeinschrank|keinefilter|dan(?:der|ein|mod))",
    ),
    (
        "injection.jailbreak",
        "a known way around a model's limits",
        "doanythingnow|(?:enter|enable|activate|switchto|turnon|youarein|inject|initiate|engage)(?:ed)?(?:the)?(?:dan|developer|dev|god|jailbreak|jailbroken|debug|sudo|unrestricted|admin|"
        "maintenance|root|evil|opposite|unsafe|diagnostic)mode|(?:developer|god|jailbreak|sudo|dan|unrestricted|debug|admin|root)mode(?:is|now)?(?:has|have)?(?:been)?(?:now)?(?:enabled|activated|engaged|unlocked|on(?:you|all|no|safety))|"
        "(?:disable|deactivate|turnoff|switchoff|remove|lift|suspend).{0,12}?(?:your|all|any|every).{0,12}?(?:(?:safety|ethical|moral|content)(?:filter|polic|restric|guid|protocol|check|rule|measure|mechanism|setting|constr)|guardrail|restrict|censor|safeguard|alignment)|"
        "(?:safety|content|ethical|moral)(?:filter|polic|guideline|restriction|protocol|check|rule)(?:s|ies|y)?(?:are|is|have|has)(?:been)?(?:now)?(?:disabled|off|lifted|suspended|removed|deactivated|void)|"
        "(?:you|it)(?:can|will|may)neverrefuse|cannotrefuseany|"
        "(?:aktivier|schalte|wechsle).{0,24}?(?:entwicklermodus|godmodus|adminmodus|wartungsmodus|debugmodus)|(?:deaktivier|schalte).{0,24}?(?:sicherheits|inhalts|filterab|schutzmassnahm)|"
        "(?:restriction|limit|guardrail|polic|rule)(?:s|ies|y)?(?:are|is|have|has)(?:been)?(?:now)?(?:suspended|lifted|disabled|deactivated)|lift(?:ed|ing)?(?:every|all|any)(?:limit|restrict|rule)|adminoverride|systemoverride|overridecode|sudoignor|overridesafety|policyoverride",
    ),
    (
        "injection.prompt-leak",
        "a demand for the system prompt",
        f"{_SHOW}.{{0,40}}?{_PROMPT}|(?:repeat|print|output|copy|write|say|recite|echo|translate|encode|paste|return).{{0,16}}?(?:everything|thewords|allthetext|thetext|alltext|"
        "allthewords|alloftheabove|theabove|thelines|thecontent|theconversation)(?:thatis|that|which|written|was|from)?(?:is|was|came|comes)?(?:said|told|written)?(?:toyou)?(?:above|before|sofar|precedes?|preceding|verbatim|prior)"
        "|(?:beginning|starting)with(?:thephrase|thewords)?youare(?:chatgpt|claude|an?|in)?"
        "|(?:zeig|gib|verrat|nenn|wiederhol|druck|offenbar|schreib|ausgeb|ubersetz|wielautet|waslautet|wassteht|leg).{0,40}?(?:systemprompt|systemanweisung|systemnachricht|deineanweisung|deineninstruktion|deineinstruktion|"
        "deinenprompt|deinprompt|internenanweisung|internenregeln|versteckteanweisung|geheimenanweisung|ursprunglicheanweisung|ursprunglichenanweisung)"
        "|(?:muestra|revela|dime|repite|montre|revele|affiche|repete|mostra|rivela|ripeti|mostre|toon|pokaz).{0,40}?(?:promptdelsistema|promptdesistema|systemprompt|promptsysteme|promptdusysteme|"
        "tusinstrucciones|vosinstructions|tesinstructions|letueistruzioni|promptdisistema|suasinstruc|promptdosistema|instructionsinitiales|instruccionesiniciales)"
        "|(?:покажи|раскрой|выведи|повтори).{0,60}?(?:системн|своиинструкц|инструкц)|(?:显示|输出|告诉我|重复|打印|透露|泄露).{0,36}?(?:系统提示|提示词|系统指令|初始指令)|(?:システムプロンプト|初期指示).{0,36}?(?:表示|出力|教え|見せ)",
    ),
    (
        "injection.new-orders",
        "an announcement of new instructions",
        "(?:new|updated|revised|real|actual|true|important|urgent|highpriority|overriding|additional|secret)(?:system)?(?:instruction|directive|systemprompt|prompt|orders)s?"
        "(?:fromthe(?:system|admin|developer|operator|owner)|fromnow|follow(?:s)?(?:below|these|this)|areas|supersede|overrid|replace|takeprecedence|reveal|ignore|send|print|output|delete|forget|disregard|fortheai|fortheassistant|forthemodel|forallai|youmust|begin|starthere)"
        "|(?:endof|end|stopof)(?:the)?(?:system|previous|initial|original)(?:prompt|instruction|message|context)s?|(?:begin|start)(?:of)?(?:new|real)(?:system)?(?:instruction|prompt|task|conversation)"
        "|(?:this|following)(?:message|instruction|text|directive)?s?(?:supersede|override|takesprecedenceover|takeprecedenceover)s?.{0,16}?(?:all|any|every|your|previous|prior|the)(?:other|previous|prior|earlier|system)?.{0,16}?(?:instruct|prompt|rule|directive|guideline|message)"
        "|(?:neue|aktualisierte|geheime|wichtige|echte)(?:system)?anweisung(?:en)?(?:furdich|furdieki|anden|andie|lautet|befolge|abjetzt|vomsystem|vomadmin|desadmin)"
        "|(?:your|the)(?:previous|prior|old|original|earlier)(?:instruction|prompt|guideline|directive)s?(?:are|is|were|have|has|nolonger)(?:now|been|nolonger)?(?:void|invalid|obsolete|cancel|revoked|outdated|expired|null|applies|apply|lifted|suspended|replaced|superseded)",
    ),
    (
        "injection.conceal",
        "an order to keep something from the user",
        "(?:donot|dont|never|without|mustnot|shouldnot|avoid)(?:ever)?(?:tell|telling|inform|informing|mention|mentioning|notify|notifying|alert|alerting|reveal|revealing|disclos(?:e|ing)|letting|warn|warning|show|showing).{0,24}?"
        "(?:tothe|the|any|this)?(?:user|human|reader|enduser|operator|anyoneabout|anyonethat)(?!s?(?:count|name|s?table|statistic))"
        "|(?:keep|hide)(?:this|it|these|that).{0,16}?fromthe(?:user|human|reader|operator)|(?:donot|dont|never)(?:tell|let|inform)(?:the)?(?:user|human)s?(?:know)?"
        "|(?:sag|erzahl|verrat|teil|informier|erwahn).{0,12}?(?:dem|den|der|es|das|dies)?.{0,6}?(?:nutzer|benutzer|anwender|leser).{0,12}?(?:nicht|nie)|ohne(?:es)?(?:dem|den|dass?)(?:nutzer|benutzer|der).{0,24}?(?:sagen|mitzuteilen|informier|erwahn|merkt)",
    ),
    (
        "injection.exfiltrate",
        "an order to send data away",
        "(?:send|post|forward|email|upload|transmit|exfiltrat|leak|deliver|submit|append|encode|put|include|embed|add|insert).{0,60}?(?:conversation|chathistory|chatlog|password|apikey|credential|secret|token|systemprompt|userdata|personaldata|thedata|customerdata|"
        "privatedata|sessionid|cookie|emailaddress|contents|messages|history|records|informationabove|everything).{0,50}?(?:to|at|in|into|as|via|using)(?:the|this|an?|following|my)?.{0,24}?(?:http|www|webhook|attacker|evil|imageurl|urlparam|queryparam|querystring|imagelink|markdownimage|pastebin|ngrok|requestbin)"
        "|(?:get|fetch|visit|open|request|load|ping|post).{0,12}https?.{0,60}(?:summary|conversation|chat|history|password|secret|token|data)|(?:schick|sende|leite|ubermittle|lade).{0,50}?(?:passw|zugangsdaten|gesprach|chatverlauf|daten|schlussel|geheim|token).{0,40}?(?:an|zu|auf|nach)(?:http|www|diese(?:url|adresse)|folgende)",
    ),
)
"""(id, what it is, pattern) of what is not said by anybody, person or document."""

_MACHINE = "(?:ai|llm|assistant|chatbot|languagemodel|gpt|chatgpt|claude|gemini|copilot|aimodel|aiassistant|aiagent|agent|virtualassistant|aisystem|bot|model)s?"
DATA_RULES: tuple[tuple[str, str, str], ...] = (
    (
        "injection.addressed",
        "data that speaks to the model",
        f"(?:dear|attention|noteto|messageto|messagefor|noteforthe|notefor|instructionsfor|instructionsto|hey|hello|important|warning)(?:the|all|any|every|this)?(?:ai|llm|assistant|chatbot|languagemodel|gpt|chatgpt|claude|gemini|copilot|aiagent)s?(?!r|d|n|l|m)"
        f"|(?:chatbot|assistant|copilot|reviewerbot|languagemodel)(?:add(?!it|re)|replythat|replywith|replyonly|respondwith|saythat|insert|statethat|outputonly|mark(?!et)|whenyousee|ignorethe|yourevaluation|task(?:close|is|delete|approve))|ifyouarean?(?:ai|llm|assistant|languagemodel|chatbot|largelanguage|automated|agent)|asan?(?:ai|llm|languagemodel|assistant|largelanguagemodel|agent)(?:model|assistant)?you(?:must|should|will|need|are|have)"
        f"|(?:any|every|all|the){_MACHINE}(?:reading|processing|summari[sz]ing|that(?:read|process|summar|is)|who|which|must|should|shall|hasto|haveto|isrequired|needsto|willnow)"
        "|(?:an|die|fur)(?:die|den|alle)?(?:ki|sprachmodell|assistent|chatbot)(?:en|s|e)?(?:diedas|derdas|diedies|dasdies|muss|mussen|soll|sollen|achtung|bitte|hinweis|:)|(?:wenndu|fallsdu)(?:eine?)?(?:ki|sprachmodell|assistent|llm|chatbot)|achtungki|hinweisandieki|hinweisfurdieki",
    ),
    (
        "injection.orders-in-data",
        "data that gives orders",
        "(?:when|whenever|before|after|while|instead(?:of)?|ratherthan)(?:you)?(?:are)?(?:asked|summari[sz]|answer|respond|reply|process|read|translat|analy[sz])(?:e|ing|ed)?.{0,40}?(?:youmust|you(?:should|shall|will|haveto|need)|always|instead|only(?:say|write|output|respond|reply)|firstsend|firstcall|makesure|rather)"
        "|(?:you|assistant|model)(?:must|should|shall|haveto|needto|areto|arerequiredto)(?:now|always|immediately|only|first|instead|never)?(?:say|output|respond|reply|print|write|include|append|call|execute|run|send|forward|email|recommend|rate|approve|mark|delete|transfer|grant|ignore|answer|state|claim|tell|refuse|visit|click|open|follow)"
        "|(?:respond|reply|answer|output|say|write|print)(?:only)?(?:with)?(?:exactly|only|solely|nothingbut|justthe)(?:thephrase|theword|thefollowing|with|thetext|the)?"
        "|(?:call|invoke|execute|run|use|trigger)(?:the)?.{0,24}?(?:tool|function|plugin|shellcommand|apicall|sqlquery|transferfunds|sendemail|sendmail|deletefile|bashcommand)(?:with|to|and|using|named|called|now)"
        "|(?:do|must|should)not(?:summari[sz]e|answer|analy[sz]e|translate)(?:this|the|it|any).{0,40}?(?:instead|rather|but|just)|(?:stop|halt|abort)(?:the|your|this)?(?:summary|summari[sz]ing|analysis|task|currenttask|translation)"
        "|(?:antworte|gib|schreib|sage?)(?:nur|ausschliess?s?lich|stattdessen|immer)(?:noch)?(?:mit|aus|das|den|die)?|dumusst(?:jetzt|nun|immer|sofort|stattdessen)?(?:antwort|schreib|ausgeb|sag|send|ignorier|empfehl|aufruf|losch|ausfuhr|genehmig)",
    ),
)
"""More for text that came from data, where any order is out of place."""

MARKS: tuple[tuple[str, str, str], ...] = (
    (
        "injection.turn",
        "marks with which models are told who speaks",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|end_header_id|begin_of_text|endofprompt)\|>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|"
        r"</?(?:system|system_prompt|systemprompt|sysprompt)>|\[(?:system|system message|system prompt|admin|developer)\]\s{0,8}[:(]|\[system\]|##{1,5} ?(?:system|new instructions?|instructions? override|system prompt|admin)\s{0,3}[:\n]|"
        r"\n\s{0,4}(?:system|assistant|developer)\s{0,2}:\s|\n\nhuman: ",
    ),
    (
        "injection.image",
        "an image or link whose address carries text away",
        r"!\[[^\]\n]{0,200}\]\(\s{0,4}https?://[^)\s]{1,200}[?&/#][^)\s]{0,60}(?:=|/)(?:\{|\[|%7b|<|\$|data\b|secret|prompt|conversation|history|summary|BASE64|[A-Za-z0-9+/]{40})"
        r"|<img\s[^>]{0,200}src\s{0,2}=\s{0,2}[\"']?https?://[^>]{1,200}[?&][^>]{0,60}=(?:\{|\[|<|\$|data\b|secret|prompt|conversation)",
    ),
)
"""Patterns over the text as it is."""

MARK_WORDS: dict[str, tuple[bytes, ...]] = {
    "injection.turn": (
        b"<|", b"inst]", b"<<", b"_of_turn>", b"system", b"sysprompt", b"admin", b"developer", b"instruction", b"assistant", b"human:",
    ),
    "injection.image": (b"![", b"<img"),
}  # fmt: skip
"""Lower-case pieces by the mark: every match has one."""
LINE_WORDS = (b"system", b"assistant", b"developer", b"human:")
"""Where there is no `<`, `[` or `##`, one of these."""

ROT13 = ("vafgehpg", "vtaber", "cebzcg", "flfgrz")
BACKWARDS = ("curtsni", "tpmorp")
CODES = (
    "base64",
    "decodethis",
    "decodeand",
    "decodethe",
    "decodeit",
    "decodefollowing",
    "hexadecimal",
    "fromhex",
    "hexdecode",
    "dekodier",
    "entschlussel",
)
"""Words that go with a text in a code."""

_NOT = ("donot", "dont", "never", "without", "mustnot", "shouldnot", "avoid", "notever", "neverever")
_SAYING = ("tell", "inform", "mention", "notify", "alert", "reveal", "disclos", "lett", "warn", "show", "let")
_MODES = (
    "dan", "developer", "dev", "god", "jailbreak", "jailbroken", "debug", "sudo", "unrestricted", "admin", "maintenance", "root", "evil", "opposite",
    "unsafe", "diagnostic",
)  # fmt: skip

WORDS: dict[str, str] = {
    "injection.override": """ignor disregard forget overrid bypass neglect notfollowyour notfollowthe notfollowany notfollowprev dontfollowyour dontfollowthe
        stopfollowing longerfollow stopobey notobeyyour notobeythe dontobey throwaway""",
    "injection.override-de": """ignorier missacht vergis ubergeh uberging verwirf beachte befolg haltdichnicht haltedichnicht ausserkraft auserkraft umgeh geltennichtmehr
        sindaufgehoben sindungultig nichtmehrgultig""",
    "injection.override-translated": """ignorelesinstruc ignorelesconsigne ignorelesregles ignoreasinstruc ignoreasregras ignora olvida desatiende descarta hazcasoomiso ignorez oublie tienspascompte tenezpascompte faisabstraction neglige dimentica
        nonseguire esqueca negeer vergeet zignoruj pomin zapomnij ignorera bortsefra yoksay игнорир забудь отмени незамечай 忽略
        无视 忘记 忘掉 不要理会 無視 忽視 忘れ 무시 잊어 تجاهل انس अनदेखा नज़रअंदाज़ भूल""",
    "injection.role": """yourenow yourenolonger boundby nosafety youarenow youwillnowbe youarenolonger fromnowonyou startingnowyou behaveas behavelike pretend roleplay imagineyou imaginethatyou
        simulate assumetherole takeontherole playtherole iwantyoutobe dubistab dubistjetzt dubistnun abjetzt vonnunan tusoals
        stelldirvor verhaltedich unrestrict unfilter uncensor unbound jailbroken amoral unethical norules nolimits withoutany
        withoutrestrict freefrom notbound nolongerbound noguidelines danwho danmode danand evilai""",
    "injection.jailbreak": """doanythingnow safetyfilter safetypolic safetyguid safetyrestric safetyprotocol safetycheck safetyrule safetymeasure
        safetymechanism safetysetting ethicalguid ethicalfilter moralguid moralrestric moralconstr guardrail yourrestrict
        anyrestrict everyrestrict yourcensor anycensor safeguard youralignment contentfilter contentpolic contentguid
        contentprotocol neverrefuse cannotrefuse entwicklermodus godmodus adminmodus wartungsmodus debugmodus inhaltsfilter
        filterab schutzmassnahm deaktivier removeall removeyour removeany disableyour disableall disableany deactivate turnoff
        switchoff suspend liftall liftyour liftevery liftany guardrails arelifted nowlifted beenlifted aredisabled beendisabled adminoverride systemoverride overridecode sudoignor overridesafety policyoverride """
    + " ".join(f"{one}mode" for one in _MODES),
    "injection.prompt-leak": """initialisedwith initializedwith prompt systeminstruc yourinstruc yourexactinstruc instructions istruzioni systemmessage developermessage yourguidelines
        yourrules yourconfiguration yourguardrail textabove wordsabove everything rulesyou thewordsabove thewordswritten alloftheabove
        theabove theconversation withyouare phraseyouare wordsyouare systemanweisung systemnachricht deineanweisung
        deineninstruktion deineinstruktion internenanweisung internenregeln versteckteanweisung geheimenanweisung
        ursprunglicheanweisung ursprunglichenanweisung letueistruz instructionsinitiales instruccionesiniciales инструкц 提示 指令
        プロンプト 初期指示""",
    "injection.new-orders": """instructions newinstruc newsysteminstruc updatedinstruc revisedinstruc actualinstruc trueinstruc importantinstruc urgentinstruc
        priorityinstruc overridinginstruc additionalinstruc systeminstruc directive systemprompt newprompt updatedprompt
        revisedprompt realprompt actualprompt trueprompt importantprompt neworders updatedorders revisedorders urgentorders
        systemmessage endofthecontext endofcontext systemcontext previousmessage previouscontext initialmessage originalmessage
        originalcontext beginnew beginreal beginofnew startnewtask startnewsession startnewconv startofnew supersed override
        overrid precedenceover neueanweisung neuesystemanweisung aktualisierteanweisung aktualisiertesystemanweisung
        geheimeanweisung geheimesystemanweisung wichtigeanweisung wichtigesystemanweisung echteanweisung echtesystemanweisung
        previousprompt priorprompt oldprompt originalprompt earlierprompt previousguideline priorguideline oldguideline
        originalguideline earlierguideline""",
    "injection.conceal": "fromtheuser fromthehuman fromthereader fromtheoperator nutzer anwender "
    + " ".join(no + say for no in _NOT for say in _SAYING),
    "injection.exfiltrate": """webhook   imageurl urlparam queryparam querystring imagelink markdownimage pastebin ngrok requestbin dieseurl diesead folgendeurl folgendeadresse""",
    "injection.addressed": """assistant chatbot reviewerbot languagemodel llm gpt claude gemini copilot agent dearai attentionai attentionthe attentionall attentionany
        notetoai notetothe messageto messagefor notefor instructionsfor instructionsto heyai helloai importantai warningai
        areanai areanau areaai areaau asanai anyai everyai theai allai anybot everybot allbots thebot anymodel everymodel
        themodel allmodel kidie achtungki andieki furdieki fürki sprachmodell assistent dukieine wenndu fallsdu furki anki ankis
        fürdieki""",
    "injection.orders-in-data": """youmust youshould youshall youneed youhaveto youareto youarerequired assistantmust assistantshould assistantshall assistantneed
        modelmust modelshould modelshall modelneed always onlysay onlyoutput onlywrite onlyrespond onlyreply firstsend firstcall
        makesure  instead replyexactly respondexactly answerexactly outputexactly sayexactly writeexactly printexactly replyonly respondonly answeronly outputonly sayonly writeonly printonly solely nothingbut justthe replywith respondwith answerwith outputwith replythe respondthe answerthe outputthe saythe writethe printthe writewith printwith saywith solely    callthe usethe runthe invokethe executethe triggerthe executea calla usea runa yourtool tool function plugin
        shellcommand apicall sqlquery transferfunds sendemail sendmail deletefile bashcommand   stopsummar stopthe abortthe haltthe stopthis stopyour
        currenttask nottranslat notanalys notanswer thetask yourtask thistask antwortenur antwortemit antworteaus antwortestatt antworteimmer antwortedas gibnur gibaus gibdas schreibnur schreibdas schreibstatt schreibaus schreibimmer schreibden schreibdie schreibmit sagnur sagenur
        stattdessen gibstatt gibimmer sagimmer saganstatt dumusst gibaus gibmit gibden gibdie saginur""",
}
"""Words by the rule: every match has one. The search for any of them is what ordinary text costs."""
