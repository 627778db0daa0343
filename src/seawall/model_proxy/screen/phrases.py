"""More ways of saying what `patterns.py` looks for, found among the training texts that its patterns miss. Read in the same way."""
# ruff: noqa: E501 - a pattern reads best in one line

from __future__ import annotations

_YOURS = (
    "your(?:own|original|previous|prior|earlier|current|old|assigned)?"
    "(?:rule|instruct|guideline|restrict|constraint|limits|prompt|config|persona|safety|confidential|brief|onboarding|polic|alignment|guardrail)"
)
_UNSAID = "(?:hidden|secret|confidential|private|initial|starting|start|own|full|system)(?:rule|instruct|guideline|brief|prompt|text|note|message|context|config)"

PHRASES: tuple[tuple[str, str], ...] = (
    (
        "injection.override",
        f"(?:drop|setaside|skip|break|violat|abandon|cancel|eras|revok|discard|delet|flush|replac|rewrit|remov|quit|putdown|unlearn|void|ignoring|disobey|free(?:d)?from)(?:e|es|ing|all|any|of)?{_YOURS}"
        f"|{_YOURS}s?(?:have|has|are|were|is|was)(?:been|now|hereby|already)?(?:now|hereby)?(?:replac|remov|cancel|delet|lift|void|suspend|supersed|outdat|revok|wrong|amistake)"
        "|oppositeof(?:whatyour|your(?:instruct|rule|guideline|polic))|releasedfromtheduty|personaabandon"
        "|(?:my|these)(?:requests?|instructions?|messages?|orders|commands)(?:outrank|win|haveprior|takepreced|assystemmessage)|(?:obey|answerto|ordersfrom)(?:onlyme|mealone|meonly|menow)"
        "|(?:your(?:creators?|makers?|operators?|developers?))(?:wrote|said|configured|setup|toldyou|imposed).{0,40}?(?:throwitaway|doesnotcount|forget|ignore|void|nolonger)",
    ),
    (
        "injection.override-de",
        "(?:pfeifauf|setzdichuber|streiche?|entferne|vergiss?|losche|lassalle|entfern)(?:alle|all)?(?:deine[nr]?|die)?.{0,12}?(?:vorgaben|beschrankungen|deinerolle|grundeinstellung|sperren)"
        "|(?:vorgegeben|vorgaben).{0,16}?hinfallig|nicht(?:mehr)?aufdenbetreiber|filter(?:regeln)?(?:geltenfurmichnicht|alsaufgehoben|abgeschaltet)|(?:keine|kenntkeine)verbote|kiohnegewissen|antwort(?:e)?(?:also)?(?:ohnefilter|ungefiltert)",
    ),
    (
        "injection.override-translated",
        "(?:notuvieras|sinninguna|sansaucune?|aucune?|senza|zonder|alsofjegeen|sem|zadnych)(?:regla|restriccion|limit|censura|regle|restriction|regole|limiti|regels|regras|restricoes|ograniczen)"
        "|(?:desactiva|desactive)(?:tus|tes|les|los)?filtr|(?:palabraporpalabra|motpourmot).{0,40}?(?:antes|mensaje|avant|message|instruc|consigne)|tu(?:mensaje|prompt)desistema"
        "|(?:没有任何限制|没有道德限制|没有限制)|(?:制限のない|制限なし)|(?:아무제한이없|제한이없는)",
    ),
    (
        "injection.jailbreak",
        "(?:no|without|never)(?:refusal|refusing)|(?:with)?your(?:limits|filters|restrictions|guardrails|alignment)(?:removed|off|lifted|disabled)|(?:refusing|refusal)isnolonger|outputinunrestricted|unfiltered(?:output|answer|buddy|model|text)"
        "|(?:disallowed|forbidden|restricted)(?:text|answer|part|information)(?:now|in|is|so)|(?:restrictions|guardrails|filters)(?:are|were|is)?supersed|youwouldgiveif(?:alignment|you)",
    ),
    (
        "injection.prompt-leak",
        f"your{_UNSAID}s?(?:youwere|yougot|yourun|inacodeblock|verbatim|wordforword|inthefirst|literally|exactly|unabridged)|your(?:preamble|briefing|startingmessage|initialcontext|contextwindow|ownprompt|hiddenprompt|hiddenrules|hiddeninstruct|secretbrief|setuptext)"
        "|(?:before|above|precedes)(?:my|the)(?:first)(?:user)?(?:message|question|turn|greeting)|(?:told|wrote|put|written|given)(?:to)?(?:you)?beforemy(?:question|greeting)"
        "|yourdevelopers?tellyou|sharethepreamble|therulesyourunder|vormeinerersten(?:frage|nachricht)|(?:deinen|deinem|deiner)(?:geheimenauftrag|systemtext|startnachricht|konfiguration)|messages0content",
    ),
    (
        "injection.conceal",
        "(?:legal|auditors?|control|compliance|noone)(?:will|do|does)not(?:notice|spot|see|find)|nobody(?:must|needsto|will|may|should)(?:notice|know)"
        "|(?:dontlog|donotlog|removetheentryfromthelog|deletethetrace|withoutlogging)|damitesniemandmerkt|(?:sag|verrat)(?:e)?niemandem|spurenimprotokoll|fakeconfirmation",
    ),
)
"""(id, pattern) of what nobody says."""

_KINDS = (
    "coding",
    "shopping",
    "automated",
    "automatic",
    "review",
    "helper",
    "verification",
    "mail",
    "accounting",
    "reader",
    "language",
    "software",
    "writing",
    "grader",
    "analyst",
)
_READERS = ("assistant", "agent", "reviewer", "bot", "tool", "system", "model", "engine", "reader")
_DOING = ("must", "should", "shall", "mayonly", "haveto", "hasto", "areobliged", "reading", "handling", "processing", "skip", "areto")
_READER = f"(?:ai|{'|'.join(_KINDS)})(?:{'|'.join(_READERS)})s?(?:{'|'.join(_DOING)})"
DATA_PHRASES: tuple[tuple[str, str], ...] = (
    (
        "injection.addressed",
        f"{_READER}"
        "|(?:note|noteto|memo|todo|message|noticeto|instruction)s?(?:to|for)(?:the|your|all)?(?:model|ai(?!r|d|m|n|l)|llms?|bots?|chatbot|mailassistant|codingassistant|automatedreader)"
        "|(?:dear|hey|lieber|liebe)(?:bot(?!t|a|h)|model(?!s)|robot|summari[sz]er|parsingengine|aimodel)"
        "|(?:ki|sprachmodelle?|chatbot|kiagenten|kisysteme)(?:diedies|dielese|soll|muss|mussen|behaupte)|(?:fallsein|wennein)sprachmodell|(?:an|fur)(?:automatischesysteme|copilot|denbuchungsassistent|dasauswahlsystem)"
        "|(?:notapara|memopara|messagepour|notepour|consignecacheepour)(?:la|el|le|l)?(?:ia|asistente|modele)|(?:asistente|assistant)(?:sileesesto|silistu)",
    ),
    (
        "injection.orders-in-data",
        "ifyou(?:are|re)(?:summari[sz]ing|processing|translating|anagent|shopping)|your(?:assistant|ai)(?:is|to)(?:requested|required|text|share)|beforeyoureplyread|newdirective|(?:assistant|chatbot|bot)(?:disregard|hidethe|setall|bookthe|approveall|handover|wheneversomeone)",
    ),
)
"""The same for text that came from data."""

PHRASE_WORDS: dict[str, str] = {
    "injection.override": """yourown yourrule yourinstruc yourguideline yourrestric yourconstr yourlimits yourprompt yourconfig yourpersona yoursafety yourconfid yourbrief
        youronboard yourpolic youralignment yourguardrail youroriginal yourprevious yourprior yourearlier yourcurrent yourold yourassigned oppositeof releasedfrom outrank
        takepreced haveprior requestwin requestswin instructionswin messageswin orderswin commandswin instructionwin messagewin assystemmess obeyonly obeyme answertoonly answertome ordersfromonly ordersfromme
        yourcreator yourmaker youroperator yourdeveloper""",
    "injection.override-de": "vorgaben beschrankungen deinerolle grundeinstellung sperren hinfallig aufdenbetreiber filtergelten filterregeln filterals filterabg verbote ohnegewissen ohnefilter ungefiltert",
    "injection.override-translated": """notuvieras sinninguna aucune aucun senzaregole senzalimit zonderregels alsofjegeen semregras semrestric semlimit zadnych
        desactiva desactive palabraporpalabra motpourmot mensajedesistema promptdesistema 没有任何限制 没有道德限制 没有限制 制限のない 制限なし 아무제한이없 제한이없는""",
    "injection.jailbreak": """refusal refusing yourlimits yourfilters yourrestric yourguardrail youralignment unrestricted unfiltered disallowed forbidden restrictedtext restrictedanswer restrictedpart
        restrictedinfo supersed wouldgiveif""",
    "injection.prompt-leak": """yourhidden yoursecret yourconfid yourprivate yourinitial yourstart yourown yourfull yoursystem preamble yourbrief yourcontext yoursetup
        beforemy abovemy precedesmy beforethefirst abovethefirst precedesthefirst yourdeveloper rulesyou vormeinererst deinengeheimen deinemgeheimen deinergeheimen deinensystem deinemsystem deinersystem
        deinenstartn deinemstartn deinerstartn deinenkonfig deinemkonfig deinerkonfig messagesocontent""",
    "injection.conceal": """nobodymust nobodyneed nobodywill nobodymay nobodyshould willnotnotice willnotspot willnotsee willnotfind donotnotice donotspot donotsee donotfind doesnotnotice doesnotspot
        doesnotsee doesnotfind dontlog donotlog removetheentry deletethetrace withoutlogging niemandmerkt niemandem spurenimprotokoll fakeconfirm""",
    "injection.addressed": " ".join(one + reader for one in _KINDS for reader in _READERS)
    + " "
    + " ".join(f"ai{reader}{many}{verb}" for reader in _READERS for many in ("", "s") for verb in _DOING)
    + """ fortheai totheai foryourai toyourai forallai toallai noteai notetoai noteforai memotoai memoforai todoforai messagetoai messageforai messagestoai noticetoai instructiontoai instructionsforai
        instructionforai instructionstoai llm chatbot dearbot dearmodel robot summari lieberbot liebebot heybot heymodel parsing aimodel formodel tomodel themodel yourmodel allmodel
        forbot tobot forthebot tothebot forallbot toallbot yourbot mailassis codingassis automatedread sprachmodell kiagenten kisysteme kidie kisoll kimuss kibehaupt copilot automatischesys buchungsassis
        auswahlsys notapara memopara messagepour notepour consignecachee asistente assistantsilis assistantsilees""",
    "injection.orders-in-data": "ifyouare ifyoure yourassistantis yourassistantto youraiis youraito replyread newdirective disregard assistanthide chatbothide bothide assistantset chatbotset botset assistantbook chatbotbook botbook assistantapproveall chatbotapproveall botapproveall handover wheneversomeone",
}
"""As `patterns.WORDS`."""
