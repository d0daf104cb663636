#include "encodings/html_text.h"

#include "encodings/utf8.h"

namespace gladius::encodings {
namespace {

struct Bucket {
    char first;
    std::string_view entities;
};

// The named character references of HTML, by their first letter: " name=text name=text ". Source: HTML, section 13.5.
constexpr Bucket kEntities[] = {
    {'A',
     " AElig=Æ AMP=& Aacute=Á Abreve=Ă Acirc=Â Acy=А Afr=\xF0\x9D\x94\x84 Agrave=À Alpha=Α Amacr=Ā And=⩓ Aogon=Ą "
     "Aopf=\xF0\x9D\x94\xB8 "
     "ApplyFunction=\xE2\x81\xA1 Aring=Å Ascr=\xF0\x9D\x92\x9C Assign=≔ Atilde=Ã Auml=Ä "},
    {'B',
     " Backslash=∖ Barv=⫧ Barwed=⌆ Bcy=Б Because=∵ Bernoullis=ℬ Beta=Β Bfr=\xF0\x9D\x94\x85 Bopf=\xF0\x9D\x94\xB9 "
     "Breve=˘ Bscr=ℬ "
     "Bumpeq=≎ "},
    {'C',
     " CHcy=Ч COPY=© Cacute=Ć Cap=⋒ CapitalDifferentialD=ⅅ Cayleys=ℭ Ccaron=Č Ccedil=Ç Ccirc=Ĉ Cconint=∰ "
     "Cdot=Ċ Cedilla=¸ CenterDot=· Cfr=ℭ Chi=Χ CircleDot=⊙ CircleMinus=⊖ CirclePlus=⊕ CircleTimes=⊗ "
     "ClockwiseContourIntegral=∲ CloseCurlyDoubleQuote=” CloseCurlyQuote=’ Colon=∷ Colone=⩴ Congruent=≡ "
     "Conint=∯ ContourIntegral=∮ Copf=ℂ Coproduct=∐ CounterClockwiseContourIntegral=∳ Cross=⨯ Cscr=\xF0\x9D\x92\x9E "
     "Cup=⋓ CupCap=≍ "},
    {'D',
     " DD=ⅅ DDotrahd=⤑ DJcy=Ђ DScy=Ѕ DZcy=Џ Dagger=‡ Darr=↡ Dashv=⫤ Dcaron=Ď Dcy=Д Del=∇ Delta=Δ Dfr=\xF0\x9D\x94\x87 "
     "DiacriticalAcute=´ DiacriticalDot=˙ DiacriticalDoubleAcute=˝ DiacriticalGrave=` DiacriticalTilde=˜ "
     "Diamond=⋄ DifferentialD=ⅆ Dopf=\xF0\x9D\x94\xBB Dot=¨ DotDot=\xE2\x83\x9C DotEqual=≐ DoubleContourIntegral=∯ "
     "DoubleDot=¨ "
     "DoubleDownArrow=⇓ DoubleLeftArrow=⇐ DoubleLeftRightArrow=⇔ DoubleLeftTee=⫤ DoubleLongLeftArrow=⟸ "
     "DoubleLongLeftRightArrow=⟺ DoubleLongRightArrow=⟹ DoubleRightArrow=⇒ DoubleRightTee=⊨ "
     "DoubleUpArrow=⇑ DoubleUpDownArrow=⇕ DoubleVerticalBar=∥ DownArrow=↓ DownArrowBar=⤓ "
     "DownArrowUpArrow=⇵ DownBreve=\xCC\x91 DownLeftRightVector=⥐ DownLeftTeeVector=⥞ DownLeftVector=↽ "
     "DownLeftVectorBar=⥖ DownRightTeeVector=⥟ DownRightVector=⇁ DownRightVectorBar=⥗ DownTee=⊤ "
     "DownTeeArrow=↧ Downarrow=⇓ Dscr=\xF0\x9D\x92\x9F Dstrok=Đ "},
    {'E',
     " ENG=Ŋ ETH=Ð Eacute=É Ecaron=Ě Ecirc=Ê Ecy=Э Edot=Ė Efr=\xF0\x9D\x94\x88 Egrave=È Element=∈ Emacr=Ē "
     "EmptySmallSquare=◻ EmptyVerySmallSquare=▫ Eogon=Ę Eopf=\xF0\x9D\x94\xBC Epsilon=Ε Equal=⩵ EqualTilde=≂ "
     "Equilibrium=⇌ Escr=ℰ Esim=⩳ Eta=Η Euml=Ë Exists=∃ ExponentialE=ⅇ "},
    {'F',
     " Fcy=Ф Ffr=\xF0\x9D\x94\x89 FilledSmallSquare=◼ FilledVerySmallSquare=▪ Fopf=\xF0\x9D\x94\xBD ForAll=∀ "
     "Fouriertrf=ℱ Fscr=ℱ "},
    {'G',
     " GJcy=Ѓ GT=> Gamma=Γ Gammad=Ϝ Gbreve=Ğ Gcedil=Ģ Gcirc=Ĝ Gcy=Г Gdot=Ġ Gfr=\xF0\x9D\x94\x8A Gg=⋙ "
     "Gopf=\xF0\x9D\x94\xBE "
     "GreaterEqual=≥ GreaterEqualLess=⋛ GreaterFullEqual=≧ GreaterGreater=⪢ GreaterLess=≷ "
     "GreaterSlantEqual=⩾ GreaterTilde=≳ Gscr=\xF0\x9D\x92\xA2 Gt=≫ "},
    {'H',
     " HARDcy=Ъ Hacek=\xCB\x87 Hat=^ Hcirc=Ĥ Hfr=ℌ HilbertSpace=ℋ Hopf=ℍ HorizontalLine=─ Hscr=ℋ Hstrok=Ħ "
     "HumpDownHump=≎ HumpEqual=≏ "},
    {'I',
     " IEcy=Е IJlig=Ĳ IOcy=Ё Iacute=Í Icirc=Î Icy=И Idot=İ Ifr=ℑ Igrave=Ì Im=ℑ Imacr=Ī ImaginaryI=ⅈ "
     "Implies=⇒ Int=∬ Integral=∫ Intersection=⋂ InvisibleComma=\xE2\x81\xA3 InvisibleTimes=\xE2\x81\xA2 Iogon=Į "
     "Iopf=\xF0\x9D\x95\x80 Iota=Ι "
     "Iscr=ℐ Itilde=Ĩ Iukcy=І Iuml=Ï "},
    {'J', " Jcirc=Ĵ Jcy=Й Jfr=\xF0\x9D\x94\x8D Jopf=\xF0\x9D\x95\x81 Jscr=\xF0\x9D\x92\xA5 Jsercy=Ј Jukcy=Є "},
    {'K', " KHcy=Х KJcy=Ќ Kappa=Κ Kcedil=Ķ Kcy=К Kfr=\xF0\x9D\x94\x8E Kopf=\xF0\x9D\x95\x82 Kscr=\xF0\x9D\x92\xA6 "},
    {'L',
     " LJcy=Љ LT=< Lacute=Ĺ Lambda=Λ Lang=⟪ Laplacetrf=ℒ Larr=↞ Lcaron=Ľ Lcedil=Ļ Lcy=Л LeftAngleBracket=⟨ "
     "LeftArrow=← LeftArrowBar=⇤ LeftArrowRightArrow=⇆ LeftCeiling=⌈ LeftDoubleBracket=⟦ "
     "LeftDownTeeVector=⥡ LeftDownVector=⇃ LeftDownVectorBar=⥙ LeftFloor=⌊ LeftRightArrow=↔ "
     "LeftRightVector=⥎ LeftTee=⊣ LeftTeeArrow=↤ LeftTeeVector=⥚ LeftTriangle=⊲ LeftTriangleBar=⧏ "
     "LeftTriangleEqual=⊴ LeftUpDownVector=⥑ LeftUpTeeVector=⥠ LeftUpVector=↿ LeftUpVectorBar=⥘ "
     "LeftVector=↼ LeftVectorBar=⥒ Leftarrow=⇐ Leftrightarrow=⇔ LessEqualGreater=⋚ LessFullEqual=≦ "
     "LessGreater=≶ LessLess=⪡ LessSlantEqual=⩽ LessTilde=≲ Lfr=\xF0\x9D\x94\x8F Ll=⋘ Lleftarrow=⇚ Lmidot=Ŀ "
     "LongLeftArrow=⟵ LongLeftRightArrow=⟷ LongRightArrow=⟶ Longleftarrow=⟸ Longleftrightarrow=⟺ "
     "Longrightarrow=⟹ Lopf=\xF0\x9D\x95\x83 LowerLeftArrow=↙ LowerRightArrow=↘ Lscr=ℒ Lsh=↰ Lstrok=Ł Lt=≪ "},
    {'M',
     " Map=⤅ Mcy=М MediumSpace=\xE2\x81\x9F Mellintrf=ℳ Mfr=\xF0\x9D\x94\x90 MinusPlus=∓ Mopf=\xF0\x9D\x95\x84 Mscr=ℳ "
     "Mu=Μ "},
    {'N',
     " NJcy=Њ Nacute=Ń Ncaron=Ň Ncedil=Ņ Ncy=Н NegativeMediumSpace=\xE2\x80\x8B NegativeThickSpace=\xE2\x80\x8B "
     "NegativeThinSpace=\xE2\x80\x8B NegativeVeryThinSpace=\xE2\x80\x8B NestedGreaterGreater=≫ NestedLessLess=≪ "
     "NewLine=\x0A Nfr=\xF0\x9D\x94\x91 "
     "NoBreak=\xE2\x81\xA0 NonBreakingSpace=\xC2\xA0 Nopf=ℕ Not=⫬ NotCongruent=≢ NotCupCap=≭ NotDoubleVerticalBar=∦ "
     "NotElement=∉ NotEqual=≠ NotEqualTilde=≂\xCC\xB8 NotExists=∄ NotGreater=≯ NotGreaterEqual=≱ "
     "NotGreaterFullEqual=≧\xCC\xB8 NotGreaterGreater=≫\xCC\xB8 NotGreaterLess=≹ NotGreaterSlantEqual=⩾\xCC\xB8 "
     "NotGreaterTilde=≵ NotHumpDownHump=≎\xCC\xB8 NotHumpEqual=≏\xCC\xB8 NotLeftTriangle=⋪ "
     "NotLeftTriangleBar=⧏\xCC\xB8 "
     "NotLeftTriangleEqual=⋬ NotLess=≮ NotLessEqual=≰ NotLessGreater=≸ NotLessLess=≪\xCC\xB8 "
     "NotLessSlantEqual=⩽\xCC\xB8 NotLessTilde=≴ NotNestedGreaterGreater=⪢\xCC\xB8 NotNestedLessLess=⪡\xCC\xB8 "
     "NotPrecedes=⊀ "
     "NotPrecedesEqual=⪯\xCC\xB8 NotPrecedesSlantEqual=⋠ NotReverseElement=∌ NotRightTriangle=⋫ "
     "NotRightTriangleBar=⧐\xCC\xB8 NotRightTriangleEqual=⋭ NotSquareSubset=⊏\xCC\xB8 NotSquareSubsetEqual=⋢ "
     "NotSquareSuperset=⊐\xCC\xB8 NotSquareSupersetEqual=⋣ NotSubset=⊂\xE2\x83\x92 NotSubsetEqual=⊈ NotSucceeds=⊁ "
     "NotSucceedsEqual=⪰\xCC\xB8 NotSucceedsSlantEqual=⋡ NotSucceedsTilde=≿\xCC\xB8 NotSuperset=⊃\xE2\x83\x92 "
     "NotSupersetEqual=⊉ "
     "NotTilde=≁ NotTildeEqual=≄ NotTildeFullEqual=≇ NotTildeTilde=≉ NotVerticalBar=∤ Nscr=\xF0\x9D\x92\xA9 Ntilde=Ñ "
     "Nu=Ν "},
    {'O',
     " OElig=Œ Oacute=Ó Ocirc=Ô Ocy=О Odblac=Ő Ofr=\xF0\x9D\x94\x92 Ograve=Ò Omacr=Ō Omega=Ω Omicron=Ο "
     "Oopf=\xF0\x9D\x95\x86 "
     "OpenCurlyDoubleQuote=“ OpenCurlyQuote=‘ Or=⩔ Oscr=\xF0\x9D\x92\xAA Oslash=Ø Otilde=Õ Otimes=⨷ Ouml=Ö OverBar=‾ "
     "OverBrace=⏞ OverBracket=⎴ OverParenthesis=⏜ "},
    {'P',
     " PartialD=∂ Pcy=П Pfr=\xF0\x9D\x94\x93 Phi=Φ Pi=Π PlusMinus=± Poincareplane=ℌ Popf=ℙ Pr=⪻ Precedes=≺ "
     "PrecedesEqual=⪯ PrecedesSlantEqual=≼ PrecedesTilde=≾ Prime=″ Product=∏ Proportion=∷ Proportional=∝ "
     "Pscr=\xF0\x9D\x92\xAB Psi=Ψ "},
    {'Q', " QUOT=\" Qfr=\xF0\x9D\x94\x94 Qopf=ℚ Qscr=\xF0\x9D\x92\xAC "},
    {'R',
     " RBarr=⤐ REG=® Racute=Ŕ Rang=⟫ Rarr=↠ Rarrtl=⤖ Rcaron=Ř Rcedil=Ŗ Rcy=Р Re=ℜ ReverseElement=∋ "
     "ReverseEquilibrium=⇋ ReverseUpEquilibrium=⥯ Rfr=ℜ Rho=Ρ RightAngleBracket=⟩ RightArrow=→ "
     "RightArrowBar=⇥ RightArrowLeftArrow=⇄ RightCeiling=⌉ RightDoubleBracket=⟧ RightDownTeeVector=⥝ "
     "RightDownVector=⇂ RightDownVectorBar=⥕ RightFloor=⌋ RightTee=⊢ RightTeeArrow=↦ RightTeeVector=⥛ "
     "RightTriangle=⊳ RightTriangleBar=⧐ RightTriangleEqual=⊵ RightUpDownVector=⥏ RightUpTeeVector=⥜ "
     "RightUpVector=↾ RightUpVectorBar=⥔ RightVector=⇀ RightVectorBar=⥓ Rightarrow=⇒ Ropf=ℝ "
     "RoundImplies=⥰ Rrightarrow=⇛ Rscr=ℛ Rsh=↱ RuleDelayed=⧴ "},
    {'S',
     " SHCHcy=Щ SHcy=Ш SOFTcy=Ь Sacute=Ś Sc=⪼ Scaron=Š Scedil=Ş Scirc=Ŝ Scy=С Sfr=\xF0\x9D\x94\x96 ShortDownArrow=↓ "
     "ShortLeftArrow=← ShortRightArrow=→ ShortUpArrow=↑ Sigma=Σ SmallCircle=∘ Sopf=\xF0\x9D\x95\x8A Sqrt=√ Square=□ "
     "SquareIntersection=⊓ SquareSubset=⊏ SquareSubsetEqual=⊑ SquareSuperset=⊐ SquareSupersetEqual=⊒ "
     "SquareUnion=⊔ Sscr=\xF0\x9D\x92\xAE Star=⋆ Sub=⋐ Subset=⋐ SubsetEqual=⊆ Succeeds=≻ SucceedsEqual=⪰ "
     "SucceedsSlantEqual=≽ SucceedsTilde=≿ SuchThat=∋ Sum=∑ Sup=⋑ Superset=⊃ SupersetEqual=⊇ Supset=⋑ "},
    {'T',
     " THORN=Þ TRADE=™ TSHcy=Ћ TScy=Ц Tab=\x09 Tau=Τ Tcaron=Ť Tcedil=Ţ Tcy=Т Tfr=\xF0\x9D\x94\x97 Therefore=∴ Theta=Θ "
     "ThickSpace=\xE2\x81\x9F\xE2\x80\x8A ThinSpace=\xE2\x80\x89 Tilde=∼ TildeEqual=≃ TildeFullEqual=≅ TildeTilde=≈ "
     "Topf=\xF0\x9D\x95\x8B TripleDot=\xE2\x83\x9B "
     "Tscr=\xF0\x9D\x92\xAF Tstrok=Ŧ "},
    {'U',
     " Uacute=Ú Uarr=↟ Uarrocir=⥉ Ubrcy=Ў Ubreve=Ŭ Ucirc=Û Ucy=У Udblac=Ű Ufr=\xF0\x9D\x94\x98 Ugrave=Ù Umacr=Ū "
     "UnderBar=_ UnderBrace=⏟ UnderBracket=⎵ UnderParenthesis=⏝ Union=⋃ UnionPlus=⊎ Uogon=Ų Uopf=\xF0\x9D\x95\x8C "
     "UpArrow=↑ UpArrowBar=⤒ UpArrowDownArrow=⇅ UpDownArrow=↕ UpEquilibrium=⥮ UpTee=⊥ UpTeeArrow=↥ "
     "Uparrow=⇑ Updownarrow=⇕ UpperLeftArrow=↖ UpperRightArrow=↗ Upsi=ϒ Upsilon=Υ Uring=Ů Uscr=\xF0\x9D\x92\xB0 "
     "Utilde=Ũ "
     "Uuml=Ü "},
    {'V',
     " VDash=⊫ Vbar=⫫ Vcy=В Vdash=⊩ Vdashl=⫦ Vee=⋁ Verbar=‖ Vert=‖ VerticalBar=∣ VerticalLine=| "
     "VerticalSeparator=❘ VerticalTilde=≀ VeryThinSpace=\xE2\x80\x8A Vfr=\xF0\x9D\x94\x99 Vopf=\xF0\x9D\x95\x8D "
     "Vscr=\xF0\x9D\x92\xB1 Vvdash=⊪ "},
    {'W', " Wcirc=Ŵ Wedge=⋀ Wfr=\xF0\x9D\x94\x9A Wopf=\xF0\x9D\x95\x8E Wscr=\xF0\x9D\x92\xB2 "},
    {'X', " Xfr=\xF0\x9D\x94\x9B Xi=Ξ Xopf=\xF0\x9D\x95\x8F Xscr=\xF0\x9D\x92\xB3 "},
    {'Y',
     " YAcy=Я YIcy=Ї YUcy=Ю Yacute=Ý Ycirc=Ŷ Ycy=Ы Yfr=\xF0\x9D\x94\x9C Yopf=\xF0\x9D\x95\x90 Yscr=\xF0\x9D\x92\xB4 "
     "Yuml=Ÿ "},
    {'Z',
     " ZHcy=Ж Zacute=Ź Zcaron=Ž Zcy=З Zdot=Ż ZeroWidthSpace=\xE2\x80\x8B Zeta=Ζ Zfr=ℨ Zopf=ℤ Zscr=\xF0\x9D\x92\xB5 "},
    {'a',
     " aacute=á abreve=ă ac=∾ acE=∾\xCC\xB3 acd=∿ acirc=â acute=´ acy=а aelig=æ af=\xE2\x81\xA1 afr=\xF0\x9D\x94\x9E "
     "agrave=à alefsym=ℵ "
     "aleph=ℵ alpha=α amacr=ā amalg=⨿ amp=& and=∧ andand=⩕ andd=⩜ andslope=⩘ andv=⩚ ang=∠ ange=⦤ angle=∠ "
     "angmsd=∡ angmsdaa=⦨ angmsdab=⦩ angmsdac=⦪ angmsdad=⦫ angmsdae=⦬ angmsdaf=⦭ angmsdag=⦮ angmsdah=⦯ "
     "angrt=∟ angrtvb=⊾ angrtvbd=⦝ angsph=∢ angst=Å angzarr=⍼ aogon=ą aopf=\xF0\x9D\x95\x92 ap=≈ apE=⩰ apacir=⩯ ape=≊ "
     "apid=≋ apos=' approx=≈ approxeq=≊ aring=å ascr=\xF0\x9D\x92\xB6 ast=* asymp=≈ asympeq=≍ atilde=ã auml=ä "
     "awconint=∳ "
     "awint=⨑ "},
    {'b',
     " bNot=⫭ backcong=≌ backepsilon=϶ backprime=‵ backsim=∽ backsimeq=⋍ barvee=⊽ barwed=⌅ barwedge=⌅ "
     "bbrk=⎵ bbrktbrk=⎶ bcong=≌ bcy=б bdquo=„ becaus=∵ because=∵ bemptyv=⦰ bepsi=϶ bernou=ℬ beta=β beth=ℶ "
     "between=≬ bfr=\xF0\x9D\x94\x9F bigcap=⋂ bigcirc=◯ bigcup=⋃ bigodot=⨀ bigoplus=⨁ bigotimes=⨂ bigsqcup=⨆ bigstar=★ "
     "bigtriangledown=▽ bigtriangleup=△ biguplus=⨄ bigvee=⋁ bigwedge=⋀ bkarow=⤍ blacklozenge=⧫ "
     "blacksquare=▪ blacktriangle=▴ blacktriangledown=▾ blacktriangleleft=◂ blacktriangleright=▸ blank=␣ "
     "blk12=▒ blk14=░ blk34=▓ block=█ bne==\xE2\x83\xA5 bnequiv=≡\xE2\x83\xA5 bnot=⌐ bopf=\xF0\x9D\x95\x93 bot=⊥ "
     "bottom=⊥ bowtie=⋈ boxDL=╗ "
     "boxDR=╔ boxDl=╖ boxDr=╓ boxH=═ boxHD=╦ boxHU=╩ boxHd=╤ boxHu=╧ boxUL=╝ boxUR=╚ boxUl=╜ boxUr=╙ "
     "boxV=║ boxVH=╬ boxVL=╣ boxVR=╠ boxVh=╫ boxVl=╢ boxVr=╟ boxbox=⧉ boxdL=╕ boxdR=╒ boxdl=┐ boxdr=┌ "
     "boxh=─ boxhD=╥ boxhU=╨ boxhd=┬ boxhu=┴ boxminus=⊟ boxplus=⊞ boxtimes=⊠ boxuL=╛ boxuR=╘ boxul=┘ "
     "boxur=└ boxv=│ boxvH=╪ boxvL=╡ boxvR=╞ boxvh=┼ boxvl=┤ boxvr=├ bprime=‵ breve=˘ brvbar=¦ bscr=\xF0\x9D\x92\xB7 "
     "bsemi=⁏ bsim=∽ bsime=⋍ bsol=\\ bsolb=⧅ bsolhsub=⟈ bull=• bullet=• bump=≎ bumpE=⪮ bumpe=≏ bumpeq=≏ "},
    {'c',
     " cacute=ć cap=∩ capand=⩄ capbrcup=⩉ capcap=⩋ capcup=⩇ capdot=⩀ caps=∩\xEF\xB8\x80 caret=⁁ caron=\xCB\x87 ccaps=⩍ "
     "ccaron=č ccedil=ç ccirc=ĉ ccups=⩌ ccupssm=⩐ cdot=ċ cedil=¸ cemptyv=⦲ cent=¢ centerdot=· cfr=\xF0\x9D\x94\xA0 "
     "chcy=ч check=✓ checkmark=✓ chi=χ cir=○ cirE=⧃ circ=\xCB\x86 circeq=≗ circlearrowleft=↺ circlearrowright=↻ "
     "circledR=® circledS=Ⓢ circledast=⊛ circledcirc=⊚ circleddash=⊝ cire=≗ cirfnint=⨐ cirmid=⫯ cirscir=⧂ "
     "clubs=♣ clubsuit=♣ colon=: colone=≔ coloneq=≔ comma=, commat=@ comp=∁ compfn=∘ complement=∁ "
     "complexes=ℂ cong=≅ congdot=⩭ conint=∮ copf=\xF0\x9D\x95\x94 coprod=∐ copy=© copysr=℗ crarr=↵ cross=✗ "
     "cscr=\xF0\x9D\x92\xB8 csub=⫏ "
     "csube=⫑ csup=⫐ csupe=⫒ ctdot=⋯ cudarrl=⤸ cudarrr=⤵ cuepr=⋞ cuesc=⋟ cularr=↶ cularrp=⤽ cup=∪ "
     "cupbrcap=⩈ cupcap=⩆ cupcup=⩊ cupdot=⊍ cupor=⩅ cups=∪\xEF\xB8\x80 curarr=↷ curarrm=⤼ curlyeqprec=⋞ "
     "curlyeqsucc=⋟ curlyvee=⋎ curlywedge=⋏ curren=¤ curvearrowleft=↶ curvearrowright=↷ cuvee=⋎ cuwed=⋏ "
     "cwconint=∲ cwint=∱ cylcty=⌭ "},
    {'d',
     " dArr=⇓ dHar=⥥ dagger=† daleth=ℸ darr=↓ dash=‐ dashv=⊣ dbkarow=⤏ dblac=˝ dcaron=ď dcy=д dd=ⅆ "
     "ddagger=‡ ddarr=⇊ ddotseq=⩷ deg=° delta=δ demptyv=⦱ dfisht=⥿ dfr=\xF0\x9D\x94\xA1 dharl=⇃ dharr=⇂ diam=⋄ "
     "diamond=⋄ "
     "diamondsuit=♦ diams=♦ die=¨ digamma=ϝ disin=⋲ div=÷ divide=÷ divideontimes=⋇ divonx=⋇ djcy=ђ "
     "dlcorn=⌞ dlcrop=⌍ dollar=$ dopf=\xF0\x9D\x95\x95 dot=˙ doteq=≐ doteqdot=≑ dotminus=∸ dotplus=∔ dotsquare=⊡ "
     "doublebarwedge=⌆ downarrow=↓ downdownarrows=⇊ downharpoonleft=⇃ downharpoonright=⇂ drbkarow=⤐ "
     "drcorn=⌟ drcrop=⌌ dscr=\xF0\x9D\x92\xB9 dscy=ѕ dsol=⧶ dstrok=đ dtdot=⋱ dtri=▿ dtrif=▾ duarr=⇵ duhar=⥯ dwangle=⦦ "
     "dzcy=џ dzigrarr=⟿ "},
    {'e',
     " eDDot=⩷ eDot=≑ eacute=é easter=⩮ ecaron=ě ecir=≖ ecirc=ê ecolon=≕ ecy=э edot=ė ee=ⅇ efDot=≒ "
     "efr=\xF0\x9D\x94\xA2 "
     "eg=⪚ egrave=è egs=⪖ egsdot=⪘ el=⪙ elinters=⏧ ell=ℓ els=⪕ elsdot=⪗ emacr=ē empty=∅ emptyset=∅ "
     "emptyv=∅ emsp=\xE2\x80\x83 emsp13=\xE2\x80\x84 emsp14=\xE2\x80\x85 eng=ŋ ensp=\xE2\x80\x82 eogon=ę "
     "eopf=\xF0\x9D\x95\x96 epar=⋕ eparsl=⧣ eplus=⩱ epsi=ε "
     "epsilon=ε epsiv=ϵ eqcirc=≖ eqcolon=≕ eqsim=≂ eqslantgtr=⪖ eqslantless=⪕ equals== equest=≟ equiv=≡ "
     "equivDD=⩸ eqvparsl=⧥ erDot=≓ erarr=⥱ escr=ℯ esdot=≐ esim=≂ eta=η eth=ð euml=ë euro=€ excl=! exist=∃ "
     "expectation=ℰ exponentiale=ⅇ "},
    {'f',
     " fallingdotseq=≒ fcy=ф female=♀ ffilig=ﬃ fflig=ﬀ ffllig=ﬄ ffr=\xF0\x9D\x94\xA3 filig=ﬁ fjlig=fj flat=♭ fllig=ﬂ "
     "fltns=▱ fnof=ƒ fopf=\xF0\x9D\x95\x97 forall=∀ fork=⋔ forkv=⫙ fpartint=⨍ frac12=½ frac13=⅓ frac14=¼ frac15=⅕ "
     "frac16=⅙ frac18=⅛ frac23=⅔ frac25=⅖ frac34=¾ frac35=⅗ frac38=⅜ frac45=⅘ frac56=⅚ frac58=⅝ frac78=⅞ "
     "frasl=⁄ frown=⌢ fscr=\xF0\x9D\x92\xBB "},
    {'g',
     " gE=≧ gEl=⪌ gacute=ǵ gamma=γ gammad=ϝ gap=⪆ gbreve=ğ gcirc=ĝ gcy=г gdot=ġ ge=≥ gel=⋛ geq=≥ geqq=≧ "
     "geqslant=⩾ ges=⩾ gescc=⪩ gesdot=⪀ gesdoto=⪂ gesdotol=⪄ gesl=⋛\xEF\xB8\x80 gesles=⪔ gfr=\xF0\x9D\x94\xA4 gg=≫ "
     "ggg=⋙ gimel=ℷ "
     "gjcy=ѓ gl=≷ glE=⪒ gla=⪥ glj=⪤ gnE=≩ gnap=⪊ gnapprox=⪊ gne=⪈ gneq=⪈ gneqq=≩ gnsim=⋧ gopf=\xF0\x9D\x95\x98 grave=` "
     "gscr=ℊ gsim=≳ gsime=⪎ gsiml=⪐ gt=> gtcc=⪧ gtcir=⩺ gtdot=⋗ gtlPar=⦕ gtquest=⩼ gtrapprox=⪆ gtrarr=⥸ "
     "gtrdot=⋗ gtreqless=⋛ gtreqqless=⪌ gtrless=≷ gtrsim=≳ gvertneqq=≩\xEF\xB8\x80 gvnE=≩\xEF\xB8\x80 "},
    {'h',
     " hArr=⇔ hairsp=\xE2\x80\x8A half=½ hamilt=ℋ hardcy=ъ harr=↔ harrcir=⥈ harrw=↭ hbar=ℏ hcirc=ĥ hearts=♥ "
     "heartsuit=♥ hellip=… hercon=⊹ hfr=\xF0\x9D\x94\xA5 hksearow=⤥ hkswarow=⤦ hoarr=⇿ homtht=∻ hookleftarrow=↩ "
     "hookrightarrow=↪ hopf=\xF0\x9D\x95\x99 horbar=― hscr=\xF0\x9D\x92\xBD hslash=ℏ hstrok=ħ hybull=⁃ hyphen=‐ "},
    {'i',
     " iacute=í ic=\xE2\x81\xA3 icirc=î icy=и iecy=е iexcl=¡ iff=⇔ ifr=\xF0\x9D\x94\xA6 igrave=ì ii=ⅈ iiiint=⨌ iiint=∭ "
     "iinfin=⧜ "
     "iiota=℩ ijlig=ĳ imacr=ī image=ℑ imagline=ℐ imagpart=ℑ imath=ı imof=⊷ imped=Ƶ in=∈ incare=℅ infin=∞ "
     "infintie=⧝ inodot=ı int=∫ intcal=⊺ integers=ℤ intercal=⊺ intlarhk=⨗ intprod=⨼ iocy=ё iogon=į "
     "iopf=\xF0\x9D\x95\x9A "
     "iota=ι iprod=⨼ iquest=¿ iscr=\xF0\x9D\x92\xBE isin=∈ isinE=⋹ isindot=⋵ isins=⋴ isinsv=⋳ isinv=∈ it=\xE2\x81\xA2 "
     "itilde=ĩ "
     "iukcy=і iuml=ï "},
    {'j', " jcirc=ĵ jcy=й jfr=\xF0\x9D\x94\xA7 jmath=ȷ jopf=\xF0\x9D\x95\x9B jscr=\xF0\x9D\x92\xBF jsercy=ј jukcy=є "},
    {'k',
     " kappa=κ kappav=ϰ kcedil=ķ kcy=к kfr=\xF0\x9D\x94\xA8 kgreen=ĸ khcy=х kjcy=ќ kopf=\xF0\x9D\x95\x9C "
     "kscr=\xF0\x9D\x93\x80 "},
    {'l',
     " lAarr=⇚ lArr=⇐ lAtail=⤛ lBarr=⤎ lE=≦ lEg=⪋ lHar=⥢ lacute=ĺ laemptyv=⦴ lagran=ℒ lambda=λ lang=⟨ "
     "langd=⦑ langle=⟨ lap=⪅ laquo=« larr=← larrb=⇤ larrbfs=⤟ larrfs=⤝ larrhk=↩ larrlp=↫ larrpl=⤹ "
     "larrsim=⥳ larrtl=↢ lat=⪫ latail=⤙ late=⪭ lates=⪭\xEF\xB8\x80 lbarr=⤌ lbbrk=❲ lbrace={ lbrack=[ lbrke=⦋ "
     "lbrksld=⦏ lbrkslu=⦍ lcaron=ľ lcedil=ļ lceil=⌈ lcub={ lcy=л ldca=⤶ ldquo=“ ldquor=„ ldrdhar=⥧ "
     "ldrushar=⥋ ldsh=↲ le=≤ leftarrow=← leftarrowtail=↢ leftharpoondown=↽ leftharpoonup=↼ "
     "leftleftarrows=⇇ leftrightarrow=↔ leftrightarrows=⇆ leftrightharpoons=⇋ leftrightsquigarrow=↭ "
     "leftthreetimes=⋋ leg=⋚ leq=≤ leqq=≦ leqslant=⩽ les=⩽ lescc=⪨ lesdot=⩿ lesdoto=⪁ lesdotor=⪃ lesg=⋚\xEF\xB8\x80 "
     "lesges=⪓ lessapprox=⪅ lessdot=⋖ lesseqgtr=⋚ lesseqqgtr=⪋ lessgtr=≶ lesssim=≲ lfisht=⥼ lfloor=⌊ "
     "lfr=\xF0\x9D\x94\xA9 lg=≶ lgE=⪑ lhard=↽ lharu=↼ lharul=⥪ lhblk=▄ ljcy=љ ll=≪ llarr=⇇ llcorner=⌞ llhard=⥫ lltri=◺ "
     "lmidot=ŀ lmoust=⎰ lmoustache=⎰ lnE=≨ lnap=⪉ lnapprox=⪉ lne=⪇ lneq=⪇ lneqq=≨ lnsim=⋦ loang=⟬ loarr=⇽ "
     "lobrk=⟦ longleftarrow=⟵ longleftrightarrow=⟷ longmapsto=⟼ longrightarrow=⟶ looparrowleft=↫ "
     "looparrowright=↬ lopar=⦅ lopf=\xF0\x9D\x95\x9D loplus=⨭ lotimes=⨴ lowast=∗ lowbar=_ loz=◊ lozenge=◊ lozf=⧫ "
     "lpar=( "
     "lparlt=⦓ lrarr=⇆ lrcorner=⌟ lrhar=⇋ lrhard=⥭ lrm=\xE2\x80\x8E lrtri=⊿ lsaquo=‹ lscr=\xF0\x9D\x93\x81 lsh=↰ "
     "lsim=≲ lsime=⪍ "
     "lsimg=⪏ lsqb=[ lsquo=‘ lsquor=‚ lstrok=ł lt=< ltcc=⪦ ltcir=⩹ ltdot=⋖ lthree=⋋ ltimes=⋉ ltlarr=⥶ "
     "ltquest=⩻ ltrPar=⦖ ltri=◃ ltrie=⊴ ltrif=◂ lurdshar=⥊ luruhar=⥦ lvertneqq=≨\xEF\xB8\x80 lvnE=≨\xEF\xB8\x80 "},
    {'m',
     " mDDot=∺ macr=¯ male=♂ malt=✠ maltese=✠ map=↦ mapsto=↦ mapstodown=↧ mapstoleft=↤ mapstoup=↥ marker=▮ "
     "mcomma=⨩ mcy=м mdash=— measuredangle=∡ mfr=\xF0\x9D\x94\xAA mho=℧ micro=µ mid=∣ midast=* midcir=⫰ middot=· "
     "minus=− "
     "minusb=⊟ minusd=∸ minusdu=⨪ mlcp=⫛ mldr=… mnplus=∓ models=⊧ mopf=\xF0\x9D\x95\x9E mp=∓ mscr=\xF0\x9D\x93\x82 "
     "mstpos=∾ mu=μ "
     "multimap=⊸ mumap=⊸ "},
    {'n',
     " nGg=⋙\xCC\xB8 nGt=≫\xE2\x83\x92 nGtv=≫\xCC\xB8 nLeftarrow=⇍ nLeftrightarrow=⇎ nLl=⋘\xCC\xB8 nLt=≪\xE2\x83\x92 "
     "nLtv=≪\xCC\xB8 nRightarrow=⇏ nVDash=⊯ "
     "nVdash=⊮ nabla=∇ nacute=ń nang=∠\xE2\x83\x92 nap=≉ napE=⩰\xCC\xB8 napid=≋\xCC\xB8 napos=ŉ napprox=≉ natur=♮ "
     "natural=♮ "
     "naturals=ℕ nbsp=\xC2\xA0 nbump=≎\xCC\xB8 nbumpe=≏\xCC\xB8 ncap=⩃ ncaron=ň ncedil=ņ ncong=≇ ncongdot=⩭\xCC\xB8 "
     "ncup=⩂ ncy=н "
     "ndash=– ne=≠ neArr=⇗ nearhk=⤤ nearr=↗ nearrow=↗ nedot=≐\xCC\xB8 nequiv=≢ nesear=⤨ nesim=≂\xCC\xB8 nexist=∄ "
     "nexists=∄ nfr=\xF0\x9D\x94\xAB ngE=≧\xCC\xB8 nge=≱ ngeq=≱ ngeqq=≧\xCC\xB8 ngeqslant=⩾\xCC\xB8 nges=⩾\xCC\xB8 "
     "ngsim=≵ ngt=≯ ngtr=≯ nhArr=⇎ "
     "nharr=↮ nhpar=⫲ ni=∋ nis=⋼ nisd=⋺ niv=∋ njcy=њ nlArr=⇍ nlE=≦\xCC\xB8 nlarr=↚ nldr=‥ nle=≰ nleftarrow=↚ "
     "nleftrightarrow=↮ nleq=≰ nleqq=≦\xCC\xB8 nleqslant=⩽\xCC\xB8 nles=⩽\xCC\xB8 nless=≮ nlsim=≴ nlt=≮ nltri=⋪ "
     "nltrie=⋬ "
     "nmid=∤ nopf=\xF0\x9D\x95\x9F not=¬ notin=∉ notinE=⋹\xCC\xB8 notindot=⋵\xCC\xB8 notinva=∉ notinvb=⋷ notinvc=⋶ "
     "notni=∌ notniva=∌ "
     "notnivb=⋾ notnivc=⋽ npar=∦ nparallel=∦ nparsl=⫽\xE2\x83\xA5 npart=∂\xCC\xB8 npolint=⨔ npr=⊀ nprcue=⋠ "
     "npre=⪯\xCC\xB8 nprec=⊀ "
     "npreceq=⪯\xCC\xB8 nrArr=⇏ nrarr=↛ nrarrc=⤳\xCC\xB8 nrarrw=↝\xCC\xB8 nrightarrow=↛ nrtri=⋫ nrtrie=⋭ nsc=⊁ "
     "nsccue=⋡ "
     "nsce=⪰\xCC\xB8 nscr=\xF0\x9D\x93\x83 nshortmid=∤ nshortparallel=∦ nsim=≁ nsime=≄ nsimeq=≄ nsmid=∤ nspar=∦ "
     "nsqsube=⋢ "
     "nsqsupe=⋣ nsub=⊄ nsubE=⫅\xCC\xB8 nsube=⊈ nsubset=⊂\xE2\x83\x92 nsubseteq=⊈ nsubseteqq=⫅\xCC\xB8 nsucc=⊁ "
     "nsucceq=⪰\xCC\xB8 nsup=⊅ "
     "nsupE=⫆\xCC\xB8 nsupe=⊉ nsupset=⊃\xE2\x83\x92 nsupseteq=⊉ nsupseteqq=⫆\xCC\xB8 ntgl=≹ ntilde=ñ ntlg=≸ "
     "ntriangleleft=⋪ "
     "ntrianglelefteq=⋬ ntriangleright=⋫ ntrianglerighteq=⋭ nu=ν num=# numero=№ numsp=\xE2\x80\x87 nvDash=⊭ nvHarr=⤄ "
     "nvap=≍\xE2\x83\x92 nvdash=⊬ nvge=≥\xE2\x83\x92 nvgt=>\xE2\x83\x92 nvinfin=⧞ nvlArr=⤂ nvle=≤\xE2\x83\x92 "
     "nvlt=<\xE2\x83\x92 nvltrie=⊴\xE2\x83\x92 nvrArr=⤃ nvrtrie=⊵\xE2\x83\x92 "
     "nvsim=∼\xE2\x83\x92 nwArr=⇖ nwarhk=⤣ nwarr=↖ nwarrow=↖ nwnear=⤧ "},
    {'o',
     " oS=Ⓢ oacute=ó oast=⊛ ocir=⊚ ocirc=ô ocy=о odash=⊝ odblac=ő odiv=⨸ odot=⊙ odsold=⦼ oelig=œ ofcir=⦿ "
     "ofr=\xF0\x9D\x94\xAC ogon=˛ ograve=ò ogt=⧁ ohbar=⦵ ohm=Ω oint=∮ olarr=↺ olcir=⦾ olcross=⦻ oline=‾ olt=⧀ omacr=ō "
     "omega=ω omicron=ο omid=⦶ ominus=⊖ oopf=\xF0\x9D\x95\xA0 opar=⦷ operp=⦹ oplus=⊕ or=∨ orarr=↻ ord=⩝ order=ℴ "
     "orderof=ℴ ordf=ª ordm=º origof=⊶ oror=⩖ orslope=⩗ orv=⩛ oscr=ℴ oslash=ø osol=⊘ otilde=õ otimes=⊗ "
     "otimesas=⨶ ouml=ö ovbar=⌽ "},
    {'p',
     " par=∥ para=¶ parallel=∥ parsim=⫳ parsl=⫽ part=∂ pcy=п percnt=% period=. permil=‰ perp=⊥ pertenk=‱ "
     "pfr=\xF0\x9D\x94\xAD phi=φ phiv=ϕ phmmat=ℳ phone=☎ pi=π pitchfork=⋔ piv=ϖ planck=ℏ planckh=ℎ plankv=ℏ plus=+ "
     "plusacir=⨣ plusb=⊞ pluscir=⨢ plusdo=∔ plusdu=⨥ pluse=⩲ plusmn=± plussim=⨦ plustwo=⨧ pm=± pointint=⨕ "
     "popf=\xF0\x9D\x95\xA1 pound=£ pr=≺ prE=⪳ prap=⪷ prcue=≼ pre=⪯ prec=≺ precapprox=⪷ preccurlyeq=≼ preceq=⪯ "
     "precnapprox=⪹ precneqq=⪵ precnsim=⋨ precsim=≾ prime=′ primes=ℙ prnE=⪵ prnap=⪹ prnsim=⋨ prod=∏ "
     "profalar=⌮ profline=⌒ profsurf=⌓ prop=∝ propto=∝ prsim=≾ prurel=⊰ pscr=\xF0\x9D\x93\x85 psi=ψ "
     "puncsp=\xE2\x80\x88 "},
    {'q',
     " qfr=\xF0\x9D\x94\xAE qint=⨌ qopf=\xF0\x9D\x95\xA2 qprime=⁗ qscr=\xF0\x9D\x93\x86 quaternions=ℍ quatint=⨖ "
     "quest=? questeq=≟ quot=\" "},
    {'r',
     " rAarr=⇛ rArr=⇒ rAtail=⤜ rBarr=⤏ rHar=⥤ race=∽\xCC\xB1 racute=ŕ radic=√ raemptyv=⦳ rang=⟩ rangd=⦒ range=⦥ "
     "rangle=⟩ raquo=» rarr=→ rarrap=⥵ rarrb=⇥ rarrbfs=⤠ rarrc=⤳ rarrfs=⤞ rarrhk=↪ rarrlp=↬ rarrpl=⥅ "
     "rarrsim=⥴ rarrtl=↣ rarrw=↝ ratail=⤚ ratio=∶ rationals=ℚ rbarr=⤍ rbbrk=❳ rbrace=} rbrack=] rbrke=⦌ "
     "rbrksld=⦎ rbrkslu=⦐ rcaron=ř rcedil=ŗ rceil=⌉ rcub=} rcy=р rdca=⤷ rdldhar=⥩ rdquo=” rdquor=” rdsh=↳ "
     "real=ℜ realine=ℛ realpart=ℜ reals=ℝ rect=▭ reg=® rfisht=⥽ rfloor=⌋ rfr=\xF0\x9D\x94\xAF rhard=⇁ rharu=⇀ rharul=⥬ "
     "rho=ρ rhov=ϱ rightarrow=→ rightarrowtail=↣ rightharpoondown=⇁ rightharpoonup=⇀ rightleftarrows=⇄ "
     "rightleftharpoons=⇌ rightrightarrows=⇉ rightsquigarrow=↝ rightthreetimes=⋌ ring=˚ risingdotseq=≓ "
     "rlarr=⇄ rlhar=⇌ rlm=\xE2\x80\x8F rmoust=⎱ rmoustache=⎱ rnmid=⫮ roang=⟭ roarr=⇾ robrk=⟧ ropar=⦆ "
     "ropf=\xF0\x9D\x95\xA3 roplus=⨮ "
     "rotimes=⨵ rpar=) rpargt=⦔ rppolint=⨒ rrarr=⇉ rsaquo=› rscr=\xF0\x9D\x93\x87 rsh=↱ rsqb=] rsquo=’ rsquor=’ "
     "rthree=⋌ "
     "rtimes=⋊ rtri=▹ rtrie=⊵ rtrif=▸ rtriltri=⧎ ruluhar=⥨ rx=℞ "},
    {'s',
     " sacute=ś sbquo=‚ sc=≻ scE=⪴ scap=⪸ scaron=š sccue=≽ sce=⪰ scedil=ş scirc=ŝ scnE=⪶ scnap=⪺ scnsim=⋩ "
     "scpolint=⨓ scsim=≿ scy=с sdot=⋅ sdotb=⊡ sdote=⩦ seArr=⇘ searhk=⤥ searr=↘ searrow=↘ sect=§ semi=; "
     "seswar=⤩ setminus=∖ setmn=∖ sext=✶ sfr=\xF0\x9D\x94\xB0 sfrown=⌢ sharp=♯ shchcy=щ shcy=ш shortmid=∣ "
     "shortparallel=∥ shy=\xC2\xAD sigma=σ sigmaf=ς sigmav=ς sim=∼ simdot=⩪ sime=≃ simeq=≃ simg=⪞ simgE=⪠ siml=⪝ "
     "simlE=⪟ simne=≆ simplus=⨤ simrarr=⥲ slarr=← smallsetminus=∖ smashp=⨳ smeparsl=⧤ smid=∣ smile=⌣ "
     "smt=⪪ smte=⪬ smtes=⪬\xEF\xB8\x80 softcy=ь sol=/ solb=⧄ solbar=⌿ sopf=\xF0\x9D\x95\xA4 spades=♠ spadesuit=♠ "
     "spar=∥ sqcap=⊓ "
     "sqcaps=⊓\xEF\xB8\x80 sqcup=⊔ sqcups=⊔\xEF\xB8\x80 sqsub=⊏ sqsube=⊑ sqsubset=⊏ sqsubseteq=⊑ sqsup=⊐ sqsupe=⊒ "
     "sqsupset=⊐ "
     "sqsupseteq=⊒ squ=□ square=□ squarf=▪ squf=▪ srarr=→ sscr=\xF0\x9D\x93\x88 ssetmn=∖ ssmile=⌣ sstarf=⋆ star=☆ "
     "starf=★ straightepsilon=ϵ straightphi=ϕ strns=¯ sub=⊂ subE=⫅ subdot=⪽ sube=⊆ subedot=⫃ submult=⫁ "
     "subnE=⫋ subne=⊊ subplus=⪿ subrarr=⥹ subset=⊂ subseteq=⊆ subseteqq=⫅ subsetneq=⊊ subsetneqq=⫋ "
     "subsim=⫇ subsub=⫕ subsup=⫓ succ=≻ succapprox=⪸ succcurlyeq=≽ succeq=⪰ succnapprox=⪺ succneqq=⪶ "
     "succnsim=⋩ succsim=≿ sum=∑ sung=♪ sup=⊃ sup1=¹ sup2=² sup3=³ supE=⫆ supdot=⪾ supdsub=⫘ supe=⊇ "
     "supedot=⫄ suphsol=⟉ suphsub=⫗ suplarr=⥻ supmult=⫂ supnE=⫌ supne=⊋ supplus=⫀ supset=⊃ supseteq=⊇ "
     "supseteqq=⫆ supsetneq=⊋ supsetneqq=⫌ supsim=⫈ supsub=⫔ supsup=⫖ swArr=⇙ swarhk=⤦ swarr=↙ swarrow=↙ "
     "swnwar=⤪ szlig=ß "},
    {'t',
     " target=⌖ tau=τ tbrk=⎴ tcaron=ť tcedil=ţ tcy=т tdot=\xE2\x83\x9B telrec=⌕ tfr=\xF0\x9D\x94\xB1 there4=∴ "
     "therefore=∴ theta=θ "
     "thetasym=ϑ thetav=ϑ thickapprox=≈ thicksim=∼ thinsp=\xE2\x80\x89 thkap=≈ thksim=∼ thorn=þ tilde=˜ times=× "
     "timesb=⊠ timesbar=⨱ timesd=⨰ tint=∭ toea=⤨ top=⊤ topbot=⌶ topcir=⫱ topf=\xF0\x9D\x95\xA5 topfork=⫚ tosa=⤩ "
     "tprime=‴ "
     "trade=™ triangle=▵ triangledown=▿ triangleleft=◃ trianglelefteq=⊴ triangleq=≜ triangleright=▹ "
     "trianglerighteq=⊵ tridot=◬ trie=≜ triminus=⨺ triplus=⨹ trisb=⧍ tritime=⨻ trpezium=⏢ tscr=\xF0\x9D\x93\x89 tscy=ц "
     "tshcy=ћ tstrok=ŧ twixt=≬ twoheadleftarrow=↞ twoheadrightarrow=↠ "},
    {'u',
     " uArr=⇑ uHar=⥣ uacute=ú uarr=↑ ubrcy=ў ubreve=ŭ ucirc=û ucy=у udarr=⇅ udblac=ű udhar=⥮ ufisht=⥾ "
     "ufr=\xF0\x9D\x94\xB2 ugrave=ù uharl=↿ uharr=↾ uhblk=▀ ulcorn=⌜ ulcorner=⌜ ulcrop=⌏ ultri=◸ umacr=ū uml=¨ uogon=ų "
     "uopf=\xF0\x9D\x95\xA6 uparrow=↑ updownarrow=↕ upharpoonleft=↿ upharpoonright=↾ uplus=⊎ upsi=υ upsih=ϒ upsilon=υ "
     "upuparrows=⇈ urcorn=⌝ urcorner=⌝ urcrop=⌎ uring=ů urtri=◹ uscr=\xF0\x9D\x93\x8A utdot=⋰ utilde=ũ utri=▵ utrif=▴ "
     "uuarr=⇈ uuml=ü uwangle=⦧ "},
    {'v',
     " vArr=⇕ vBar=⫨ vBarv=⫩ vDash=⊨ vangrt=⦜ varepsilon=ϵ varkappa=ϰ varnothing=∅ varphi=ϕ varpi=ϖ "
     "varpropto=∝ varr=↕ varrho=ϱ varsigma=ς varsubsetneq=⊊\xEF\xB8\x80 varsubsetneqq=⫋\xEF\xB8\x80 "
     "varsupsetneq=⊋\xEF\xB8\x80 "
     "varsupsetneqq=⫌\xEF\xB8\x80 vartheta=ϑ vartriangleleft=⊲ vartriangleright=⊳ vcy=в vdash=⊢ vee=∨ veebar=⊻ "
     "veeeq=≚ vellip=⋮ verbar=| vert=| vfr=\xF0\x9D\x94\xB3 vltri=⊲ vnsub=⊂\xE2\x83\x92 vnsup=⊃\xE2\x83\x92 "
     "vopf=\xF0\x9D\x95\xA7 vprop=∝ vrtri=⊳ vscr=\xF0\x9D\x93\x8B "
     "vsubnE=⫋\xEF\xB8\x80 vsubne=⊊\xEF\xB8\x80 vsupnE=⫌\xEF\xB8\x80 vsupne=⊋\xEF\xB8\x80 vzigzag=⦚ "},
    {'w',
     " wcirc=ŵ wedbar=⩟ wedge=∧ wedgeq=≙ weierp=℘ wfr=\xF0\x9D\x94\xB4 wopf=\xF0\x9D\x95\xA8 wp=℘ wr=≀ wreath=≀ "
     "wscr=\xF0\x9D\x93\x8C "},
    {'x',
     " xcap=⋂ xcirc=◯ xcup=⋃ xdtri=▽ xfr=\xF0\x9D\x94\xB5 xhArr=⟺ xharr=⟷ xi=ξ xlArr=⟸ xlarr=⟵ xmap=⟼ xnis=⋻ xodot=⨀ "
     "xopf=\xF0\x9D\x95\xA9 xoplus=⨁ xotime=⨂ xrArr=⟹ xrarr=⟶ xscr=\xF0\x9D\x93\x8D xsqcup=⨆ xuplus=⨄ xutri=△ xvee=⋁ "
     "xwedge=⋀ "},
    {'y',
     " yacute=ý yacy=я ycirc=ŷ ycy=ы yen=¥ yfr=\xF0\x9D\x94\xB6 yicy=ї yopf=\xF0\x9D\x95\xAA yscr=\xF0\x9D\x93\x8E "
     "yucy=ю yuml=ÿ "},
    {'z',
     " zacute=ź zcaron=ž zcy=з zdot=ż zeetrf=ℨ zeta=ζ zfr=\xF0\x9D\x94\xB7 zhcy=ж zigrarr=⇝ zopf=\xF0\x9D\x95\xAB "
     "zscr=\xF0\x9D\x93\x8F zwj=\xE2\x80\x8D zwnj=\xE2\x80\x8C "},
};

// Those that may stand without a semicolon.
constexpr std::string_view kBare =
    "  AElig AMP Aacute Acirc Agrave Aring Atilde Auml COPY Ccedil ETH Eacute Ecirc Egrave Euml GT Iacute "
    "Icirc Igrave Iuml LT Ntilde Oacute Ocirc Ograve Oslash Otilde Ouml QUOT REG THORN Uacute Ucirc "
    "Ugrave Uuml Yacute aacute acirc acute aelig agrave amp aring atilde auml brvbar ccedil cedil cent "
    "copy curren deg divide eacute ecirc egrave eth euml frac12 frac14 frac34 gt iacute icirc iexcl "
    "igrave iquest iuml laquo lt macr micro middot nbsp not ntilde oacute ocirc ograve ordf ordm oslash "
    "otilde ouml para plusmn pound quot raquo reg sect shy sup1 sup2 sup3 szlig thorn times uacute ucirc "
    "ugrave uml uuml yacute yen yuml ";
constexpr size_t kLongestBare = 6;

// What the references &#128; to &#159; mean: windows-1252.
constexpr uint16_t kC1[] = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
                            0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                            0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

bool letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The text of " <name><mark>..." up to the next blank; npos-like empty when the name is not there.
bool look_up(std::string_view list, std::string_view name, char mark, std::string_view* text) {
    char key[40];
    if (name.size() + 2 > sizeof(key)) return false;
    key[0] = ' ';
    name.copy(key + 1, name.size());
    key[name.size() + 1] = mark;
    size_t at = list.find(std::string_view(key, name.size() + 2));
    if (at == std::string_view::npos) return false;
    at += name.size() + 2;
    *text = list.substr(at, list.find(' ', at) - at);
    return true;
}

bool entity(std::string_view name, std::string_view* text) {
    for (const Bucket& b : kEntities) {
        if (b.first == name[0]) return look_up(b.entities, name, '=', text);
    }
    return false;
}

void put(uint32_t r, json::Output& out) {
    out.commit(write_rune(r, out.reserve(kRuneBytes)));
}

// &#...: how many bytes of s it takes; 0: it is none.
size_t numeric(std::string_view s, json::Output& out) {
    if (s.size() <= 3) return 0;
    size_t i = 2;
    bool hex = s[i] == 'x' || s[i] == 'X';
    if (hex) ++i;
    uint32_t x = 0;  // it may wrap around, as in Go
    while (i < s.size()) {
        char c = s[i++];
        char l = static_cast<char>(c | 0x20);
        if (c >= '0' && c <= '9') {
            x = (hex ? 16 : 10) * x + static_cast<uint32_t>(c - '0');
        } else if (hex && l >= 'a' && l <= 'f') {
            x = 16 * x + static_cast<uint32_t>(l - 'a') + 10;
        } else {
            if (c != ';') --i;
            break;
        }
    }
    if (i <= 3) return 0;
    if (x >= 0x80 && x <= 0x9F) x = kC1[x - 0x80];
    put(x == 0 ? 0xFFFD : x, out);
    return i;
}

size_t named(std::string_view s, json::Output& out) {
    size_t i = 1;
    while (i < s.size() && letter_or_digit(s[i]))
        ++i;
    std::string_view name = s.substr(1, i - 1);
    if (name.empty()) return 0;
    bool closed = i < s.size() && s[i] == ';';
    std::string_view text;
    if (closed && entity(name, &text)) {
        out.append(text);
        return i + 1;
    }
    size_t longest = closed ? name.size() : name.size() - 1;
    if (!closed && look_up(kBare, name, ' ', &text) && entity(name, &text)) {
        out.append(text);
        return i;
    }
    if (longest > kLongestBare) longest = kLongestBare;
    for (size_t n = longest; n > 1; --n) {
        std::string_view part = name.substr(0, n);
        if (!look_up(kBare, part, ' ', &text) || !entity(part, &text)) continue;
        out.append(text);
        return n + 1;
    }
    return 0;
}

}  // namespace

void unescape_html(std::string_view s, json::Output& out) {
    while (!s.empty()) {
        size_t amp = s.find('&');
        out.append(s.substr(0, amp));
        if (amp == std::string_view::npos) return;
        s.remove_prefix(amp);
        size_t n = s.size() > 1 ? s[1] == '#' ? numeric(s, out) : named(s, out) : 0;
        if (n == 0) {
            out.put('&');
            n = 1;
        }
        s.remove_prefix(n);
    }
}

}  // namespace gladius::encodings
